//! What can be wrong with an expression.

use super::Code;

pub(super) const CODES: &[Code] = &[
    Code {
        code: "syntax",
        meaning: "An expression, or a text with `{expr}` in it, is not written as one.",
        wrong: "library: crm\nentities:\n  line:\n    fields:\n      price: number\n      total: {type: number, computed: price * }\n",
        right: "library: crm\nentities:\n  line:\n    fields:\n      price: number\n      total: {type: number, computed: price * 2}\n",
    },
    Code {
        code: "type-mismatch",
        meaning: "A value of one type stands where another is expected, or two are put together that do not fit.",
        wrong: "library: crm\nentities:\n  line:\n    fields:\n      name: text\n      total: {type: number, computed: name}\n",
        right: "library: crm\nentities:\n  line:\n    fields:\n      name: text\n      total: {type: number, computed: number(name)}\n",
    },
    Code {
        code: "unknown-name",
        meaning: "A name that means nothing in an expression.",
        wrong: "library: crm\nentities:\n  line:\n    fields:\n      price: number\n      total: {type: number, computed: prise * 2}\n",
        right: "library: crm\nentities:\n  line:\n    fields:\n      price: number\n      total: {type: number, computed: price * 2}\n",
    },
    Code { code: "ambiguous-name", meaning: "A bare name that could mean two things.", wrong: "", right: "" },
    Code {
        code: "unknown-code",
        meaning: "A text is compared with an enum, or put where one is expected, that is none of its codes.",
        wrong: "library: crm\nentities:\n  line:\n    fields:\n      size: {enum: [small, large]}\n      large: {type: bool, computed: '= size = \"larg\"'}\n",
        right: "library: crm\nentities:\n  line:\n    fields:\n      size: {enum: [small, large]}\n      large: {type: bool, computed: '= size = \"large\"'}\n",
    },
    Code {
        code: "wrong-arguments",
        meaning: "A function is called with too few, too many or other arguments.",
        wrong: "library: crm\nentities:\n  line:\n    fields:\n      name: text\n      short: {type: bool, computed: contains(name)}\n",
        right: "library: crm\nentities:\n  line:\n    fields:\n      name: text\n      short: {type: bool, computed: 'contains(name, \"x\")'}\n",
    },
    Code {
        code: "bad-literal",
        meaning: "A date, time or duration in an expression is not written as one.",
        wrong: "library: crm\nentities:\n  line:\n    fields:\n      day: {type: date, initial: '@\"2026-13-01\"'}\n",
        right: "library: crm\nentities:\n  line:\n    fields:\n      day: {type: date, initial: '@\"2026-12-01\"'}\n",
    },
    Code {
        code: "bad-value",
        meaning: "A part of an expression that is known when it is loaded cannot be computed.",
        wrong: "library: crm\nentities:\n  line:\n    fields:\n      share: {type: number, initial: 1 / 0}\n",
        right: "library: crm\nentities:\n  line:\n    fields:\n      share: {type: number, initial: 1 / 2}\n",
    },
    Code {
        code: "no-change",
        meaning: "`changed` or `previous` where no record changes.",
        wrong: "library: crm\nsettings: {moved: {type: bool, initial: changed(stage)}}\n",
        right: "library: crm\nsettings: {moved: {type: bool, initial: false}}\n",
    },
    Code {
        code: "expression",
        meaning: "An expression is wrong in a way that has no better name.",
        wrong: "",
        right: "",
    },
];
