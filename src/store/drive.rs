//! What kind of drive a folder is on: on some that are shared, locks always succeed.

use std::path::Path;

/// File systems that other machines may have mounted as well, by the number that `statfs` tells
/// (linux/magic.h and the systems' own sources).
#[cfg(target_os = "linux")]
const SHARED: &[(u32, &str)] = &[
    (0x6969, "NFS"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB"),
    (0x517b, "SMB"),
    (0x6573_5546, "FUSE"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x0102_1997, "9P"),
    (0x00c3_6400, "Ceph"),
    (0x0bd0_0bd0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x7461_636f, "OCFS2"),
    (0x0116_1970, "GFS2"),
];

/// What a shared drive is called, if `folder` is on one.
#[cfg(target_os = "linux")]
pub fn shared(folder: &Path) -> Option<&'static str> {
    let kind = rustix::fs::statfs(folder).ok()?.f_type;
    // The number is signed on some machines and longer on others; what tells them apart is short.
    let kind = u32::try_from(kind & 0xffff_ffff).ok()?;
    let found = SHARED.iter().find(|(number, _)| *number == kind);
    found.map(|(_, name)| *name)
}

/// What a shared drive is called, if `folder` is on one: nobody says so here.
#[cfg(not(target_os = "linux"))]
pub fn shared(_: &Path) -> Option<&'static str> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_this_machine_is_on_no_shared_drive() {
        let folder = tempfile::tempdir().unwrap();

        assert_eq!(shared(folder.path()), None);
        assert_eq!(shared(Path::new("/no/such/folder")), None);
    }
}
