//! From what the user wrote as `base_url` to the two addresses requests go to.
//!
//! | written | becomes |
//! |---|---|
//! | no path (`https://api.together.ai`, with or without `/`) | `/v1` is added |
//! | any path (`…/v1`, `…/v1/`, `…/openai/v1`, `…/inference`) | taken as it is |
//! | a pasted endpoint (`…/v1/audio/speech`) | its `audio/speech` is taken off |
//!
//! Plain http is for this machine and, as far as the client's options allow, for the local network; never for
//! a public address. That is judged after the URL parser has undone every
//! other spelling of an address (`0x7f.1`, `[::ffff:127.0.0.1]`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;

use crate::engine::rest::options::{OptionsError, Paths};

const SPEECH: &str = "audio/speech";
/// Where Together's WebSocket is, below its route of speech.
const SOCKET: &str = "websocket";
const TRANSCRIPTIONS: &str = "audio/transcriptions";
const TRANSLATIONS: &str = "audio/translations";
const MODELS: &str = "models";
const VOICES: &str = "voices";

/// The checked addresses of one provider.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    pub(super) speech: Url,
    /// Of the handshake, which is an HTTP request.
    pub(super) speech_socket: Url,
    pub(super) transcriptions: Url,
    pub(super) translations: Url,
    pub(super) models: Url,
    pub(super) voices: Url,
    /// Host and port, for messages.
    pub(super) host: String,
    pub(super) is_loopback: bool,
    /// Plain http to another machine of the local network.
    pub(super) is_local_clear: bool,
}

impl Endpoint {
    pub(super) fn parse(base_url: &str, paths: &Paths) -> Result<Self, OptionsError> {
        let base = parse_base(base_url)?;
        let host = shown_host(&base);
        let is_loopback = is_loopback(&base);
        let mut is_local_clear = false;
        match base.scheme() {
            "https" => {}
            "http" if is_loopback => {}
            "http" if is_local_network(&base) => is_local_clear = true,
            "http" => return Err(OptionsError::PlainHttp { host }),
            scheme => {
                return Err(OptionsError::Scheme {
                    scheme: scheme.to_owned(),
                });
            }
        }
        let speech = join(&base, paths.speech.as_deref().unwrap_or(SPEECH))?;
        Ok(Self {
            speech_socket: join(&speech, SOCKET)?,
            speech,
            transcriptions: join(
                &base,
                paths.transcriptions.as_deref().unwrap_or(TRANSCRIPTIONS),
            )?,
            translations: join(&base, paths.translations.as_deref().unwrap_or(TRANSLATIONS))?,
            models: join(&base, paths.models.as_deref().unwrap_or(MODELS))?,
            voices: join(&base, paths.voices.as_deref().unwrap_or(VOICES))?,
            host,
            is_loopback,
            is_local_clear,
        })
    }
}

/// The base with its path settled: no trailing slash, never empty.
fn parse_base(written: &str) -> Result<Url, OptionsError> {
    let mut url = Url::parse(written.trim()).map_err(|error| OptionsError::NoUrl {
        reason: error.to_string(),
    })?;
    let host = shown_host(&url);
    if !url.has_host() || url.cannot_be_a_base() {
        return Err(OptionsError::Scheme {
            scheme: url.scheme().to_owned(),
        });
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(OptionsError::UserInfo { host });
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(OptionsError::Query { host });
    }
    let path = url.path().trim_end_matches('/');
    let path = [SPEECH, TRANSCRIPTIONS, TRANSLATIONS]
        .iter()
        .find_map(|endpoint| path.strip_suffix(endpoint))
        .unwrap_or(path)
        .trim_end_matches('/');
    let path = if path.is_empty() { "/v1" } else { path }.to_owned();
    url.set_path(&path);
    Ok(url)
}

/// `path` below `base`, or from the host when it begins with a slash.
fn join(base: &Url, path: &str) -> Result<Url, OptionsError> {
    let is_plain = !path.is_empty()
        && !path.starts_with("//")
        && !path.contains("://")
        && !path.contains(['?', '#', '\\', '@'])
        && !path.chars().any(char::is_whitespace);
    if !is_plain {
        return Err(OptionsError::Path {
            path: path.chars().take(100).filter(|c| !c.is_control()).collect(),
        });
    }
    let mut url = base.clone();
    if path.starts_with('/') {
        url.set_path(path);
    } else {
        url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    }
    Ok(url)
}

/// Host and explicit port as shown to the user; never user info, path or query.
pub(super) fn shown_host(url: &Url) -> String {
    let host = url.host_str().unwrap_or("(no host)");
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// 127.0.0.0/8, `::1`, those as IPv4-mapped IPv6, and the name `localhost` itself (the
/// client resolves that one without DNS). `localhost.` and `x.localhost` are left to
/// name servers by some systems and do not count.
fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else {
        return false;
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost"
        || bare.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
        || bare
            .parse::<std::net::Ipv6Addr>()
            .is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// Private and link-local addresses, and names that only the local network resolves
/// (RFC 1918, 3927, 4193, 4291 section 2.5.6, 6762; read 2026-11-26).
fn is_local_network(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address = bare
        .parse::<Ipv4Addr>()
        .map(IpAddr::from)
        .or_else(|_| bare.parse::<Ipv6Addr>().map(|ip| ip.to_canonical()));
    match address {
        Ok(IpAddr::V4(ip)) => ip.is_private() || ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => ip.is_unique_local() || ip.is_unicast_link_local(),
        Err(_) => bare
            .strip_suffix(".local")
            .is_some_and(|name| !name.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speech_url(base: &str) -> Result<String, OptionsError> {
        Endpoint::parse(base, &Paths::default()).map(|endpoint| endpoint.speech.to_string())
    }

    #[test]
    fn v1_is_neither_doubled_nor_missing() {
        for (base, expected) in [
            (
                "https://api.together.ai",
                "https://api.together.ai/v1/audio/speech",
            ),
            (
                "https://api.together.ai/",
                "https://api.together.ai/v1/audio/speech",
            ),
            (
                "https://api.together.ai/v1",
                "https://api.together.ai/v1/audio/speech",
            ),
            (
                "https://api.together.ai/v1/",
                "https://api.together.ai/v1/audio/speech",
            ),
            (
                "https://api.together.ai/v1//",
                "https://api.together.ai/v1/audio/speech",
            ),
            (
                "  https://api.openai.com/v1\n",
                "https://api.openai.com/v1/audio/speech",
            ),
            (
                "https://api.openai.com",
                "https://api.openai.com/v1/audio/speech",
            ),
            (
                "https://api.openai.com/v1/audio/speech",
                "https://api.openai.com/v1/audio/speech",
            ),
            (
                "https://api.openai.com/v1/audio/transcriptions/",
                "https://api.openai.com/v1/audio/speech",
            ),
            (
                "https://api.groq.com/openai/v1",
                "https://api.groq.com/openai/v1/audio/speech",
            ),
            (
                "https://api.deepinfra.com/v1/openai/",
                "https://api.deepinfra.com/v1/openai/audio/speech",
            ),
            (
                "https://speech.example/api/v2beta",
                "https://speech.example/api/v2beta/audio/speech",
            ),
            (
                "HTTPS://Speech.Example:8443",
                "https://speech.example:8443/v1/audio/speech",
            ),
            (
                "http://localhost:8880",
                "http://localhost:8880/v1/audio/speech",
            ),
            (
                "http://127.0.0.1:8880/v1",
                "http://127.0.0.1:8880/v1/audio/speech",
            ),
        ] {
            assert_eq!(speech_url(base).as_deref(), Ok(expected), "{base}");
        }
    }

    #[test]
    fn a_path_override_counts_from_the_host_or_from_the_base() {
        let url = |path: &str| {
            let paths = Paths {
                transcriptions: Some(path.to_owned()),
                ..Paths::default()
            };
            Endpoint::parse("https://h.example/api/v1", &paths)
                .map(|endpoint| endpoint.transcriptions.to_string())
        };

        assert_eq!(
            url("/inference").as_deref(),
            Ok("https://h.example/inference")
        );
        assert_eq!(url("asr").as_deref(), Ok("https://h.example/api/v1/asr"));
        for bad in [
            "",
            "//evil.example/x",
            "https://evil.example",
            "x?key=1",
            "a b",
            "\\\\x",
            "a#b",
            "@evil",
        ] {
            assert!(matches!(url(bad), Err(OptionsError::Path { .. })), "{bad}");
        }
    }

    #[test]
    fn plain_http_reaches_no_other_machine() {
        for loopback in [
            "http://127.0.0.1:1",
            "http://127.9.8.7:1",
            "http://0x7f.1:1",
            "http://2130706433:1",
            "http://127.0.0.1.:1",
            "http://[::1]:1",
            "http://[::ffff:127.0.0.1]:1",
            "http://localhost:1",
            "http://LOCALHOST:1",
        ] {
            let endpoint = Endpoint::parse(loopback, &Paths::default()).expect(loopback);
            assert!(endpoint.is_loopback, "{loopback}");
        }
        for remote in [
            "http://api.together.ai",
            "http://localhost.:1",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example",
            "http://0.0.0.0:1",
            "http://192.0.2.1",
            "http://172.32.0.1",
            "http://[2001:db8::1]",
            "http://box.local.evil.example",
            "http://.local.",
            "http://[::127.0.0.1]",
        ] {
            let error = speech_url(remote).expect_err(remote);
            assert!(
                matches!(error, OptionsError::PlainHttp { .. }),
                "{remote}: {error}"
            );
        }
    }

    #[test]
    fn plain_http_to_the_local_network_is_told_from_this_machine_and_from_the_world() {
        for local in [
            "http://192.168.1.20:8880/v1",
            "http://10.0.0.1",
            "http://0xa.1",
            "http://172.31.255.1",
            "http://169.254.1.1",
            "http://[::ffff:10.0.0.1]",
            "http://[fe80::1]",
            "http://[fd00::1]",
            "http://Box.local:8080",
        ] {
            let endpoint = Endpoint::parse(local, &Paths::default()).expect(local);
            assert!(endpoint.is_local_clear && !endpoint.is_loopback, "{local}");
        }
        for safe in [
            "http://127.0.0.1",
            "https://192.168.1.20",
            "https://box.local",
        ] {
            let endpoint = Endpoint::parse(safe, &Paths::default()).expect(safe);
            assert!(!endpoint.is_local_clear, "{safe}");
        }
    }

    #[test]
    fn user_info_queries_and_other_schemes_are_refused_without_being_repeated() {
        for bad in [
            "https://user:sk-CANARY@api.together.ai/v1",
            "http://127.0.0.1:sk-CANARY@evil.example/",
            "http://sk-CANARY@localhost",
            "https://api.together.ai/v1?api_key=sk-CANARY",
            "https://api.together.ai/v1#sk-CANARY",
            "ftp://api.together.ai",
            "file:///etc/passwd",
            "mailto:sk-CANARY@x",
            "api.together.ai/v1",
            "localhost:8080",
            "",
        ] {
            let error = speech_url(bad).expect_err(bad);
            assert!(
                !format!("{error} {error:?}").contains("CANARY"),
                "{bad}: {error:?}"
            );
        }
    }
}
