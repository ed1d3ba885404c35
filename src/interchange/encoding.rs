//! The bytes of a model as a text: UTF-8, UTF-16, or ISO 8859-1 where the text says so.

use std::sync::Arc;

use crate::load::{LoadError, Problem, Problems, Sources};
use crate::model::Span;

/// Reads the bytes of a model's file. A text in another encoding than UTF-8 says UTF-8 afterwards.
///
/// ```
/// let bytes: Vec<u8> = "\u{feff}<a/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
/// assert_eq!(stageflow::interchange::decode("a.bpmn", &bytes)?, "<a/>");
/// # Ok::<(), stageflow::load::LoadError>(())
/// ```
///
/// # Errors
/// When the bytes are no text in one of these encodings, with the place where they end to be one.
pub fn decode(name: &str, bytes: &[u8]) -> Result<String, LoadError> {
    if let Some(wide) = Wide::of(bytes) {
        let units = wide.units(bytes);
        return match String::from_utf16(&units) {
            Ok(text) if bytes.len().is_multiple_of(2) => Ok(as_utf8(text.trim_start_matches('\u{feff}'))),
            _ => Err(refused(name, &String::from_utf16_lossy(&units), 0, "this is no UTF-16".into())),
        };
    }
    let head: String = bytes.iter().take(200).map(|byte| char::from(*byte)).collect();
    let declared = declared(&head).map(|(at, length)| head.get(at..at + length).unwrap_or_default().to_lowercase());
    match declared.as_deref() {
        None | Some("utf-8" | "utf8" | "us-ascii" | "ascii" | "utf-16" | "utf16") => {}
        Some("iso-8859-1" | "latin1" | "latin-1") => {
            return Ok(as_utf8(&bytes.iter().map(|byte| char::from(*byte)).collect::<String>()));
        }
        Some(_) if bytes.is_ascii() => {}
        Some(other) => {
            let text = String::from_utf8_lossy(bytes);
            return Err(refused(name, &text, 0, format!("the encoding `{other}` is not read")));
        }
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_string()),
        Err(error) => {
            let text = String::from_utf8_lossy(bytes);
            Err(refused(name, &text, error.valid_up_to(), "this byte begins no letter of UTF-8".into()))
        }
    }
}

fn refused(name: &str, text: &str, at: usize, why: String) -> LoadError {
    let mut sources = Sources::new();
    let file = sources.add(name, text);
    let problems = Problems::new();
    let problem = Problem::error("bpmn-not-xml", Span::new(file, at, at), why);
    problems.push(problem.help("save the model as UTF-8"));
    let sources = Arc::new(sources);
    match problems.finish(&sources) {
        Err(error) => error,
        Ok(problems) => LoadError { problems, dropped: 0, sources },
    }
}

/// UTF-16: which byte of two comes first.
enum Wide {
    Little,
    Big,
}

impl Wide {
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xff, 0xfe, ..] | [b'<', 0, ..] => Some(Wide::Little),
            [0xfe, 0xff, ..] | [0, b'<', ..] => Some(Wide::Big),
            _ => None,
        }
    }

    fn units(&self, bytes: &[u8]) -> Vec<u16> {
        let unit = |pair: &[u8]| match pair {
            [first, second] => match self {
                Wide::Little => u16::from_le_bytes([*first, *second]),
                Wide::Big => u16::from_be_bytes([*first, *second]),
            },
            _ => 0xfffd,
        };
        bytes.chunks(2).map(unit).collect()
    }
}

/// Where the text says its encoding, and how long that is.
fn declared(text: &str) -> Option<(usize, usize)> {
    let declaration = text.trim_start_matches('\u{feff}').trim_start_matches("\u{ef}\u{bb}\u{bf}");
    let before = text.len() - declaration.len();
    let declaration = declaration.strip_prefix("<?xml").and_then(|rest| rest.split("?>").next())?;
    let at = declaration.find("encoding")?;
    let behind = declaration.get(at + 8..)?;
    let quote = behind.find(['"', '\''])?;
    let word = behind.get(quote + 1..)?;
    let length = word.find(['"', '\''])?;
    Some((before + 5 + at + 8 + quote + 1, length))
}

/// The text, which says that it is UTF-8.
fn as_utf8(text: &str) -> String {
    let Some((at, length)) = declared(text) else { return text.to_string() };
    let mut said = text.to_string();
    said.replace_range(at..at + length, "UTF-8");
    said
}
