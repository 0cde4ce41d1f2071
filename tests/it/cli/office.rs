//! What people write in word processors.

use std::path::Path;

use crate::support::Project;

/// Without the program a PDF is refused before anything is spoken, and the rest is made.
#[test]
fn without_pdftotext_a_pdf_is_refused_with_what_to_install() {
    let project = Project::new(
        "version = 1\n[task.a]\ntype = \"tts\"\nprofile = \"local\"\nvoice = \"pico-en-us\"\ninput = [\"in\"]\noutput = \"{stem}.{ext}\"\n",
    );
    project.write("in/a.pdf", b"%PDF-1.4\n");
    project.write("in/b.txt", "The boats came in.");
    project.write("in/c.docx", b"PK\x03\x04 and no more");

    let run = |args: &[&str]| {
        let ran = project
            .command(args)
            .env("PATH", Path::new("/"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned();
        (ran.status.code(), said)
    };
    let (_, plan) = run(&["plan"]);
    assert!(
        plan.contains("a.pdf: is a PDF") || plan.contains("a PDF is read by `pdftotext`"),
        "{plan}"
    );
    assert!(plan.contains("poppler-utils"), "{plan}");
    assert!(plan.contains("not a whole DOCX"), "{plan}");
    let (code, _) = run(&["run", "--yes"]);

    assert_eq!(code, Some(3));
    assert!(project.path("out/b.wav").exists());
}
