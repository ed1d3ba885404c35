//! What can be wrong with files before they are texts. None of it can be shown in a text.

use super::Code;

const fn code(code: &'static str, meaning: &'static str) -> Code {
    Code { code, meaning, wrong: "", right: "" }
}

pub(super) const CODES: &[Code] = &[
    code("unreadable-file", "A file is missing or cannot be read, or a folder has no definition in it."),
    code("not-utf8", "A file is not UTF-8; the place is that of the first byte that begins no character."),
    code("too-large", "A file has more than 256 KiB."),
    code("too-many-files", "A folder has more files, entries or bytes than are read."),
    code("outside-link", "A link leads out of the folder that is loaded."),
    code("no-such-file", "What `processes:` or `decisions:` of a library names fits no file in the library's folder."),
];
