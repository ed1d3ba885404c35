//! What can be wrong with a text as YAML, and where YAML bites.

use super::Code;

pub(super) const CODES: &[Code] = &[
    Code { code: "empty-file", meaning: "A file says nothing.", wrong: "# only a comment\n", right: "library: crm\n" },
    Code {
        code: "unknown-kind",
        meaning: "The first key of a file is none of library, process, decision and scenario.",
        wrong: "libary: crm\n",
        right: "library: crm\n",
    },
    Code {
        code: "tab",
        meaning: "A line is indented with a tab.",
        wrong: "library: crm\nroles:\n\temployee: {}\n",
        right: "library: crm\nroles:\n  employee: {}\n",
    },
    Code {
        code: "bad-character",
        meaning: "A text has a character that cannot be seen: a control, or a mark that turns the direction of writing.",
        wrong: "library: crm\ntitle: \"sales\u{202e}\"\n",
        right: "library: crm\ntitle: sales\n",
    },
    Code {
        code: "bad-indentation",
        meaning: "A line fits no level of indentation above it, or is nested under a key that has a value.",
        wrong: "library: crm\nroles:\n    employee: {}\n  manager: {}\n",
        right: "library: crm\nroles:\n  employee: {}\n  manager: {}\n",
    },
    Code {
        code: "missing-colon",
        meaning: "A line has no `key: value`.",
        wrong: "library: crm\nroles\n",
        right: "library: crm\nroles: {}\n",
    },
    Code {
        code: "needs-quotes",
        meaning: "A text has a sign with which YAML means something else, at its beginning or as `: ` inside.",
        wrong: "library: crm\ntitle: Sales: the first year\n",
        right: "library: crm\ntitle: \"Sales: the first year\"\n",
    },
    Code {
        code: "split-text",
        meaning: "Inside { } or [ ], a comma ended a text.",
        wrong: "library: crm\ntitle: {en: Leads, orders and invoices, ru: Продажи}\n",
        right: "library: crm\ntitle: {en: \"Leads, orders and invoices\", ru: Продажи}\n",
    },
    Code {
        code: "lost-text",
        meaning: "A text goes on behind ` #`, where YAML begins a comment.",
        wrong: "library: crm\ntitle: Our #1 in sales\n",
        right: "library: crm\ntitle: \"Our #1 in sales\"\n",
    },
    Code {
        code: "unclosed",
        meaning: "A quote or bracket is never closed.",
        wrong: "library: crm\ntitle: \"Sales\n",
        right: "library: crm\ntitle: \"Sales\"\n",
    },
    Code {
        code: "bad-escape",
        meaning: "Double quotes hold a backslash that begins no escape.",
        wrong: "library: crm\ntitle: \"C:\\sales\"\n",
        right: "library: crm\ntitle: 'C:\\sales'\n",
    },
    Code {
        code: "yaml-tag",
        meaning: "A text begins with `!`, which is a YAML tag; tags are not used.",
        wrong: "library: crm\ntitle: !sales\n",
        right: "library: crm\ntitle: \"!sales\"\n",
    },
    Code {
        code: "yaml-anchor",
        meaning: "A text begins with `&` or `*`, or a key is `<<`; YAML anchors, aliases and merge keys are not used.",
        wrong: "library: crm\ntitle: *sales\n",
        right: "library: crm\ntitle: \"*sales\"\n",
    },
    Code {
        code: "yaml-directive",
        meaning: "A file begins with a YAML directive; they are not used.",
        wrong: "%YAML 1.1\n---\nlibrary: crm\n",
        right: "library: crm\n",
    },
    Code {
        code: "yaml-syntax",
        meaning: "The text is no YAML, in a way that has no better name.",
        wrong: "library: crm\ntitle: , sales\n",
        right: "library: crm\ntitle: \", sales\"\n",
    },
    Code {
        code: "second-document",
        meaning: "A `---` begins a second document; a file holds one.",
        wrong: "library: crm\n---\nlibrary: sales\n",
        right: "library: crm\n",
    },
    Code {
        code: "duplicate-key",
        meaning: "A key is written twice in one mapping.",
        wrong: "library: crm\nroles: {employee: {}, employee: {}}\n",
        right: "library: crm\nroles: {employee: {}}\n",
    },
    Code {
        code: "bad-key",
        meaning: "A key is no word.",
        wrong: "library: crm\nroles: {[employee]: {}}\n",
        right: "library: crm\nroles: {employee: {}}\n",
    },
    Code {
        code: "too-deep",
        meaning: "Lists and mappings are nested in more than 64 levels.",
        wrong: "library: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n",
        right: "library: crm\n",
    },
    Code { code: "too-many-nodes", meaning: "A file has more than 20 000 keys and values.", wrong: "", right: "" },
];
