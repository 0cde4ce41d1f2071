//! Feeds of podcasts, served on loopback: forty episodes, and hostile ones.

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::support::Project;

/// What a server answers: a status, headers of its own, a body.
type Answer = (u16, String, Vec<u8>);

/// A host of podcasts. It knows `Range`, and what it was asked for.
struct Host {
    addr: SocketAddr,
    pages: Arc<Mutex<HashMap<String, Answer>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Host {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = Self {
            addr: listener.local_addr().unwrap(),
            pages: Arc::default(),
            asked: Arc::default(),
        };
        let (pages, asked) = (host.pages.clone(), host.asked.clone());
        // It ends with the process of the tests.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (pages, asked) = (pages.clone(), asked.clone());
                std::thread::spawn(move || answer(stream.unwrap(), &pages, &asked));
            }
        });
        host
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    fn has(&self, path: &str, body: impl Into<Vec<u8>>) {
        self.answers(path, (200, String::new(), body.into()));
    }

    fn answers(&self, path: &str, answer: Answer) {
        self.pages.lock().unwrap().insert(path.to_owned(), answer);
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    /// A feed of the episodes with these numbers, the newest first.
    fn feed(&self, numbers: std::ops::Range<u32>) -> String {
        let items = numbers.rev().map(|number| {
            format!(
                "<item><title>Talk {number}</title><guid>id-{number}</guid><pubDate>{:02} Oct 2026 08:00:00 GMT</pubDate><enclosure url=\"{}\" type=\"audio/mpeg\" length=\"1\"/></item>",
                number % 28 + 1,
                self.url(&format!("/{number}.mp3?token=CANARY-{number}"))
            )
        });
        let items: String = items.collect();
        format!("<rss version=\"2.0\"><channel><title>Talks</title>{items}</channel></rss>")
    }
}

fn answer(
    mut stream: TcpStream,
    pages: &Mutex<HashMap<String, Answer>>,
    asked: &Mutex<Vec<String>>,
) {
    let (mut request, mut block) = (Vec::new(), [0; 4_096]);
    while !request.windows(4).any(|four| four == b"\r\n\r\n") {
        match stream.read(&mut block) {
            Ok(0) | Err(_) => return,
            Ok(read) => request.extend_from_slice(&block[..read]),
        }
    }
    let head = String::from_utf8_lossy(&request).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let path = path.split('?').next().unwrap_or_default().to_owned();
    let version = head
        .lines()
        .find_map(|line| line.strip_prefix("if-range: "));
    let range = head.lines().find_map(|line| {
        line.to_ascii_lowercase()
            .strip_prefix("range: bytes=")?
            .strip_suffix('-')?
            .parse::<usize>()
            .ok()
    });
    asked.lock().unwrap().push(match range {
        Some(from) => format!("{path} from {from}"),
        None => path.clone(),
    });
    let found = pages.lock().unwrap().get(&path).cloned();
    let (status, headers, body) = found.unwrap_or((404, String::new(), Vec::new()));
    let is_same = version.is_none_or(|version| headers.contains(version));
    let (status, body) = match range
        .filter(|_| is_same)
        .filter(|from| status == 200 && *from < body.len())
    {
        Some(from) => (206, body[from..].to_vec()),
        None => (status, body),
    };
    let head = format!(
        "HTTP/1.1 {status} Said\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    // Whoever asked may be gone.
    let _ = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(&body));
}

#[test]
fn a_list_of_forty_episodes_is_made_once_and_added_to() {
    let (host, project) = (Host::start(), Project::new(""));
    host.has("/feed.xml", host.feed(0..40));
    let feed = host.url("/feed.xml");

    let said = project
        .run(&["feed", &feed, "-o", "e.csv"])
        .exits(0)
        .stderr();
    assert!(said.contains("40 new episodes in e.csv"), "{said}");
    let first = project.read("e.csv");
    assert_eq!(first.lines().count(), 41);
    assert!(first.starts_with("url,duration,name,id,published,title\n"));
    let again = project
        .run(&["feed", &feed, "-o", "e.csv"])
        .exits(0)
        .stderr();
    assert!(again.contains("0 new episodes"), "{again}");
    assert_eq!(project.read("e.csv"), first);
    // The feed has shed its oldest ones and got two more.
    host.has("/feed.xml", host.feed(30..42));
    project.run(&["feed", &feed, "-o", "e.csv"]).exits(0);
    let longer = project.read("e.csv");
    assert!(
        longer.starts_with(&first) && longer.lines().count() == 43,
        "{longer}"
    );

    let records = project
        .run(&["feed", &feed, "--match", "talk 4[01]", "--json"])
        .exits(0)
        .json();
    assert_eq!(records.len(), 2, "{records:?}");
    assert_eq!(records[0]["type"], "episode");
    let newest = project.run(&["feed", &feed, "--latest", "3"]).exits(0);
    assert_eq!(newest.stdout().lines().count(), 4);
    project.write("notes.csv", "what,why\n");
    project.run(&["feed", &feed, "-o", "notes.csv"]).exits(2);
    assert_eq!(project.read("notes.csv"), "what,why\n");
}

#[test]
fn recordings_are_downloaded_once_and_go_on_where_they_stopped() {
    let (host, project) = (Host::start(), Project::new(""));
    host.has("/feed.xml", host.feed(0..3));
    host.has("/0.mp3", b"zero".to_vec());
    host.answers(
        "/1.mp3",
        (302, "location: /moved.mp3\r\n".into(), Vec::new()),
    );
    host.has("/moved.mp3", b"one".to_vec());
    let feed = host.url("/feed.xml");

    let said = project
        .run(&["feed", &feed, "--download", "in"])
        .exits(3)
        .stderr();
    assert!(
        said.contains("2 new episodes") && said.contains("1 episode could not be fetched"),
        "{said}"
    );
    assert!(!said.contains("CANARY"), "{said}");
    let names = || {
        let mut names: Vec<_> = fs::read_dir(project.path("in"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(), ["2026-10-01 Talk 0.mp3", "2026-10-02 Talk 1.mp3"]);
    assert_eq!(project.read("in/2026-10-02 Talk 1.mp3"), "one");
    // The third was interrupted after two bytes.
    let talk = |body: &str| (200, "etag: \"a\"\r\n".to_owned(), body.as_bytes().to_vec());
    host.answers("/2.mp3", talk("second"));
    project.write("in/2026-10-03 Talk 2.mp3.part", "se");
    project.write("in/2026-10-03 Talk 2.mp3.part.of", "\"a\"");
    project.write("in/2026-10-01 Talk 0.mp3", "edited");
    host.asked();
    project.run(&["feed", &feed, "--download", "in"]).exits(0);

    assert_eq!(host.asked(), ["/feed.xml", "/2.mp3 from 2"]);
    assert_eq!(project.read("in/2026-10-03 Talk 2.mp3"), "second");
    assert_eq!(project.read("in/2026-10-01 Talk 0.mp3"), "edited");
    assert_eq!(names().len(), 3);

    // Another file by now: what is there of the old one is not its beginning.
    fs::remove_file(project.path("in/2026-10-03 Talk 2.mp3")).unwrap();
    project.write("in/2026-10-03 Talk 2.mp3.part", "se");
    project.write("in/2026-10-03 Talk 2.mp3.part.of", "\"old\"");
    host.answers("/2.mp3", talk("other words"));
    project.run(&["feed", &feed, "--download", "in"]).exits(0);
    assert_eq!(project.read("in/2026-10-03 Talk 2.mp3"), "other words");
    assert_eq!(names().len(), 3);
}

#[test]
fn hostile_feeds_get_nowhere() {
    let (host, project) = (Host::start(), Project::new(""));
    let entity = "<!DOCTYPE r [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\">]>";
    host.has("/bomb.xml", format!("{entity}<rss version=\"2.0\"><channel><title>&c;</title><item><title>&c;&c;</title><guid>1</guid><enclosure url=\"file:///etc/passwd\" type=\"audio/mpeg\"/></item></channel></rss>"));
    host.answers(
        "/loop.xml",
        (302, "location: /loop.xml\r\n".into(), Vec::new()),
    );
    host.has("/page.html", "<html><body>not here</body></html>");
    host.has(
        "/deep.xml",
        "<rss version=\"2.0\"><channel>".to_owned() + &"<item>".repeat(200_000),
    );

    for (path, why) in [
        ("/loop.xml", "leads from one address to the next"),
        ("/page.html", "this is no feed"),
        ("/none.xml", "status 404"),
    ] {
        let said = project
            .run(&["feed", &host.url(path), "-o", "e.csv"])
            .exits(2)
            .stderr();
        assert!(said.contains(why), "{path}: {said}");
    }
    let bomb = project.run(&["feed", &host.url("/bomb.xml"), "--download", "in"]);
    assert_ne!(bomb.code(), Some(101), "{}", bomb.stderr());
    assert!(!project.path("in").exists() || fs::read_dir(project.path("in")).unwrap().count() == 0);
    assert_ne!(
        project.run(&["feed", &host.url("/deep.xml")]).code(),
        Some(101)
    );
    assert!(!project.path("e.csv").exists());
    // A feed in a file is a stranger's: it may not lead to this machine.
    project.write("feed.xml", host.feed(0..1));
    let said = project
        .run(&["feed", "feed.xml", "--download", "in"])
        .exits(3)
        .stderr();
    assert!(said.contains("a public address may not"), "{said}");
}
