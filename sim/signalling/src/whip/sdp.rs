//! Session descriptions (RFC 8866) and their fragments (RFC 8840) as lines: what WHIP has to see in them and to change.
//!
//! What is not looked at goes through as it came.

use core::net::IpAddr;
use http::StatusCode;
use std::collections::BTreeSet;

/// The most candidates in a fragment or an answer.
pub(super) const MAX_CANDIDATES: usize = 64;

/// Why a description or fragment is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) status: StatusCode,
    pub(super) detail: String,
}

fn malformed(detail: impl Into<String>) -> Wrong {
    Wrong { status: StatusCode::BAD_REQUEST, detail: detail.into() }
}

fn unsupported(detail: &str) -> Wrong {
    Wrong { status: StatusCode::UNPROCESSABLE_ENTITY, detail: detail.to_owned() }
}

/// The credentials of an ICE session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ice {
    pub(super) ufrag: String,
    pub(super) pwd: String,
}

/// A candidate and the media section that it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    /// The attribute, without `a=`.
    pub(super) text: String,
    /// Identification of the media section.
    pub(super) mid: Option<String>,
    /// Index of the media section.
    pub(super) index: Option<u16>,
}

/// Lines of a description, or of a fragment of one: those of the session, then those of each media section.
#[derive(Clone, Debug)]
pub(super) struct Description(Vec<Vec<String>>);

fn attribute<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    let rest = line.strip_prefix("a=")?.strip_prefix(name)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix(':') }
}

/// Whether an agent can use this candidate: UDP, and an address that is one. Others are dropped without a word
/// (RFC 9725 section 4.3.2). None: it is no candidate at all (RFC 8839 section 5.1).
fn is_usable(candidate: &str) -> Option<bool> {
    let mut words = candidate.strip_prefix("candidate:")?.split_ascii_whitespace();
    let _foundation = words.next()?;
    let _component: u16 = words.next()?.parse().ok()?;
    let transport = words.next()?;
    let _priority: u32 = words.next()?.parse().ok()?;
    let address = words.next()?;
    let _port: u16 = words.next()?.parse().ok()?;
    words.next().filter(|word| *word == "typ")?;
    words.next()?;
    Some(transport.eq_ignore_ascii_case("udp") && address.parse::<IpAddr>().is_ok())
}

impl Description {
    /// Reads lines. Blanks at the end of an attribute are dropped: some stacks write them.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Wrong> {
        let text = str::from_utf8(bytes).map_err(|_| malformed("send the description in UTF-8"))?;
        let mut sections = vec![Vec::new()];
        for (number, line) in text.lines().enumerate() {
            let well = line.as_bytes().get(1) == Some(&b'=')
                && line.as_bytes()[0].is_ascii_lowercase()
                && !line.contains(|c: char| c.is_control() && c != '\t');
            if line.is_empty() && number + 1 == text.lines().count() {
                break;
            }
            if !well {
                return Err(malformed(format!("line {} is none of the form x=...", number + 1)));
            }
            let line = if line.starts_with("a=") { line.trim_end() } else { line };
            if line.starts_with("m=") {
                sections.push(Vec::new());
            }
            let last = sections.len() - 1;
            sections[last].push(line.to_owned());
        }
        Ok(Self(sections))
    }

    /// Reads a camera's offer (RFC 9725 sections 4.2 and 4.4) and drops the candidates that no agent can use.
    pub(super) fn offer(bytes: &[u8]) -> Result<Self, Wrong> {
        let mut offer = Self::read(bytes)?;
        if offer.0[0].first().map(String::as_str) != Some("v=0") {
            return Err(malformed("begin the offer with v=0"));
        }
        if !offer.0[0].iter().any(|line| line.starts_with("o=")) {
            return Err(malformed("give the offer an origin, o="));
        }
        let kinds =
            |kind: &str| offer.media().filter(|section| section[0].starts_with(kind)).count();
        let (audio, video) = (kinds("m=audio "), kinds("m=video "));
        if audio + video == 0 {
            return Err(malformed("offer audio or video: there is no such m="));
        }
        if audio > 1 || video > 1 {
            return Err(unsupported("offer one video and one audio section at most"));
        }
        let receives = |line: &String| line == "a=recvonly" || line == "a=inactive";
        if offer.0.iter().flatten().any(receives) {
            return Err(unsupported("offer sendonly or sendrecv: a WHIP client sends"));
        }
        let streams = offer.0.iter().flatten().filter_map(|line| attribute(line, "msid"));
        let streams = streams.filter_map(|msid| msid.split_ascii_whitespace().next());
        if streams.filter(|id| *id != "-").collect::<BTreeSet<_>>().len() > 1 {
            return Err(unsupported("offer tracks of one MediaStream: a=msid names several"));
        }
        if offer.ice().is_none() {
            return Err(malformed("send a=ice-ufrag and a=ice-pwd"));
        }
        if !offer.0.iter().flatten().any(|line| attribute(line, "fingerprint").is_some()) {
            return Err(malformed("send a=fingerprint"));
        }
        for section in &mut offer.0 {
            section.retain(|line| {
                attribute(line, "candidate").is_none() || is_usable(&line[2..]) == Some(true)
            });
        }
        Ok(offer)
    }

    /// Reads the body of a PATCH (RFC 8840 section 4.4).
    pub(super) fn fragment(bytes: &[u8]) -> Result<Self, Wrong> {
        let fragment = Self::read(bytes)?;
        let mut says = false;
        for line in fragment.0.iter().flatten() {
            says |= ["candidate", "end-of-candidates", "ice-ufrag"]
                .iter()
                .any(|name| attribute(line, name).is_some());
            if attribute(line, "candidate").is_some() && is_usable(&line[2..]).is_none() {
                return Err(malformed("a candidate is none of the form of RFC 8839 section 5.1"));
            }
        }
        if !says {
            return Err(malformed("send a=candidate, a=end-of-candidates or a=ice-ufrag"));
        }
        let has = |name| fragment.0.iter().flatten().any(|line| attribute(line, name).is_some());
        if has("ice-ufrag") != has("ice-pwd") {
            return Err(malformed("send a=ice-ufrag and a=ice-pwd together"));
        }
        if fragment.candidates().count() > MAX_CANDIDATES {
            return Err(malformed(format!("send at most {MAX_CANDIDATES} candidates at a time")));
        }
        Ok(fragment)
    }

    fn media(&self) -> impl Iterator<Item = &Vec<String>> {
        self.0.iter().skip(1)
    }

    /// The credentials that stand first.
    pub(super) fn ice(&self) -> Option<Ice> {
        let first = |name| self.0.iter().flatten().find_map(|line| attribute(line, name));
        Some(Ice { ufrag: first("ice-ufrag")?.to_owned(), pwd: first("ice-pwd")?.to_owned() })
    }

    pub(super) fn ends_candidates(&self) -> bool {
        self.0.iter().flatten().any(|line| line == "a=end-of-candidates")
    }

    /// The candidates that an agent can use.
    pub(super) fn candidates(&self) -> impl Iterator<Item = Candidate> {
        self.0.iter().enumerate().flat_map(|(position, section)| {
            let mid = mid(section).map(str::to_owned);
            // Candidates ahead of any media section are for the first.
            let index = u16::try_from(position.saturating_sub(1)).ok();
            let found = section.iter().filter_map(|line| line.strip_prefix("a="));
            let found = found.filter(|text| is_usable(text) == Some(true));
            found.map(move |text| Candidate { text: text.to_owned(), mid: mid.clone(), index })
        })
    }

    /// The mid of the first media section, where a fragment has to say one.
    pub(super) fn first_mid(&self) -> Option<&str> {
        self.media().find_map(|section| mid(section))
    }

    /// The same offer for an ICE session that starts over, with the credentials and candidates of a fragment, as its
    /// version `version` (RFC 9725 section 4.3.3).
    pub(super) fn restarted(&self, fragment: &Self, version: u32) -> Option<Self> {
        let ice = fragment.ice()?;
        let mut offer = self.clone();
        for line in offer.0.iter_mut().flatten() {
            if attribute(line, "ice-ufrag").is_some() {
                *line = format!("a=ice-ufrag:{}", ice.ufrag);
            } else if attribute(line, "ice-pwd").is_some() {
                *line = format!("a=ice-pwd:{}", ice.pwd);
            } else if line.starts_with("o=") {
                *line = next_version(line, version)?;
            }
        }
        for section in &mut offer.0 {
            section.retain(|line| !is_of_candidates(line));
        }
        offer.add(fragment.candidates());
        Some(offer)
    }

    /// Completes a viewer's answer for a camera: it only receives, it multiplexes RTCP, and all its candidates are in it
    /// (RFC 9725 sections 4.2, 4.3.2 and 4.4.1).
    pub(super) fn complete_answer(&mut self, candidates: impl Iterator<Item = Candidate>) {
        for section in &mut self.0 {
            section.retain(|line| line != "a=end-of-candidates");
            for line in section.iter_mut().filter(|line| *line == "a=sendrecv") {
                "a=recvonly".clone_into(line);
            }
            let muxes = section.iter().position(|line| line == "a=rtcp-mux");
            if let Some(at) = muxes
                && !section.iter().any(|line| line == "a=rtcp-mux-only")
            {
                section.insert(at + 1, "a=rtcp-mux-only".to_owned());
            }
        }
        self.add(candidates);
        let gathers =
            self.0.iter_mut().filter(|section| section.iter().any(|it| is_of_candidates(it)));
        gathers.for_each(|section| section.push("a=end-of-candidates".to_owned()));
    }

    /// Whether this answer takes the offered video; without one, the offered audio.
    pub(super) fn takes_media(&self) -> bool {
        let bundled = self.0[0].iter().filter_map(|line| attribute(line, "group"));
        let bundled: Vec<&str> = bundled.flat_map(str::split_ascii_whitespace).collect();
        let takes = |section: &Vec<String>| {
            let port = section[0].split_ascii_whitespace().nth(1);
            port != Some("0") || mid(section).is_some_and(|mid| bundled.contains(&mid))
        };
        let of = |kind: &str| self.media().find(|section| section[0].starts_with(kind));
        of("m=video ").or(of("m=audio ")).is_some_and(takes)
    }

    /// What an answer says of ICE, as a fragment.
    pub(super) fn ice_fragment(&self) -> Option<String> {
        let candidates: Vec<String> = self.candidates().map(|candidate| candidate.text).collect();
        self.trickle(&candidates, true)
    }

    /// The fragment (RFC 8840 section 4.4) of this description's ICE session with these candidates. All are for its first media
    /// section: the others are bundled with it.
    pub(super) fn trickle(&self, candidates: &[String], last: bool) -> Option<String> {
        let ice = self.ice()?;
        let mut lines: Vec<String> = Vec::new();
        for name in ["ice-lite", "ice-options", "ice-pacing", "group"] {
            let said = self.0.iter().flatten().find(|line| attribute(line, name).is_some());
            lines.extend(said.cloned());
        }
        let section = self.media().next()?;
        lines.push(section[0].clone());
        lines.extend(mid(section).map(|mid| format!("a=mid:{mid}")));
        lines.push(format!("a=ice-ufrag:{}", ice.ufrag));
        lines.push(format!("a=ice-pwd:{}", ice.pwd));
        lines.extend(candidates.iter().map(|candidate| format!("a={candidate}")));
        lines.extend(last.then(|| "a=end-of-candidates".to_owned()));
        Some(lines.into_iter().map(|line| line + "\r\n").collect())
    }

    fn add(&mut self, candidates: impl Iterator<Item = Candidate>) {
        for candidate in candidates {
            let by_mid = |section: &Vec<String>| {
                candidate.mid.is_some() && mid(section) == candidate.mid.as_deref()
            };
            let by_index = candidate.index.map_or(0, usize::from) + 1;
            let at = self.0.iter().position(by_mid).unwrap_or(by_index);
            let at = if at < self.0.len() { at } else { 1 };
            let Some(section) = self.0.get_mut(at) else { return };
            let line = format!("a={}", candidate.text);
            if !section.contains(&line) {
                section.push(line);
            }
        }
    }

    pub(super) fn to_text(&self) -> String {
        self.0.iter().flatten().map(|line| format!("{line}\r\n")).collect()
    }
}

fn mid(section: &[String]) -> Option<&str> {
    section.iter().find_map(|line| attribute(line, "mid"))
}

fn is_of_candidates(line: &str) -> bool {
    attribute(line, "candidate").is_some() || line == "a=end-of-candidates"
}

/// An origin (RFC 8866 section 5.2) `by` versions later.
fn next_version(origin: &str, by: u32) -> Option<String> {
    let words: Vec<&str> = origin.split(' ').collect();
    let version: u64 = words.get(2)?.parse().ok()?;
    let later = version.wrapping_add(by.into()).to_string();
    let words = words.iter().enumerate().map(|(n, word)| if n == 2 { &later } else { *word });
    Some(words.collect::<Vec<_>>().join(" "))
}
