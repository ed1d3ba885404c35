//! What can be wrong with a library, and with the shapes that all files share.

use super::Code;

pub(super) const CODES: &[Code] = &[
    Code {
        code: "unknown-key",
        meaning: "A mapping has a key that means nothing there.",
        wrong: "library: crm\ntitel: Sales\n",
        right: "library: crm\ntitle: Sales\n",
    },
    Code {
        code: "missing-key",
        meaning: "A mapping lacks a key that it needs.",
        wrong: "library: crm\nentities: {file: {fields: {name: text}}}\ndocuments: {invoice: {for: file}}\n",
        right: "library: crm\nentities: {file: {fields: {name: text}}, document: {}}\n\
                documents: {invoice: {for: file, template: invoice.html}}\n",
    },
    Code {
        code: "wrong-shape",
        meaning: "A text, list or mapping stands where another shape is expected.",
        wrong: "library: crm\nroles: [employee, manager]\n",
        right: "library: crm\nroles: {employee: {}, manager: {}}\n",
    },
    Code {
        code: "wrong-type",
        meaning: "A text cannot be read as what is expected there: a truth value, a whole number, a date.",
        wrong: "library: crm\nroles: {administrator: {all: yes}}\n",
        right: "library: crm\nroles: {administrator: {all: true}}\n",
    },
    Code {
        code: "bad-name",
        meaning: "An id has other characters than small letters, digits and `_`, or begins with a digit.",
        wrong: "library: crm\nroles: {Sales-Manager: {}}\n",
        right: "library: crm\nroles: {sales_manager: {}}\n",
    },
    Code {
        code: "reserved-word",
        meaning: "A code is a word that is read as a truth value or keyword elsewhere.",
        wrong: "library: crm\nlookups: {answer: {yes: Yes, no: No}}\n",
        right: "library: crm\nlookups: {answer: {agreed: Yes, refused: No}}\n",
    },
    Code {
        code: "duplicate-name",
        meaning: "Two things of one kind have one name.",
        wrong: "library: crm\nsettings: {size: {enum: [small, large, small], initial: small}}\n",
        right: "library: crm\nsettings: {size: {enum: [small, large], initial: small}}\n",
    },
    Code {
        code: "bad-type",
        meaning: "A type is not understood.",
        wrong: "library: crm\nentities: {lead: {fields: {name: string}}}\n",
        right: "library: crm\nentities: {lead: {fields: {name: text}}}\n",
    },
    Code {
        code: "not-supported-yet",
        meaning: "Something of the language that this version does not carry out; it is refused instead of ignored.",
        wrong: "library: crm\nentities: {lead: {was: prospect, fields: {name: text}}}\n",
        right: "library: crm\nentities: {lead: {fields: {name: text}}}\n",
    },
    Code {
        code: "unknown-language",
        meaning: "A text is given in a language that the library does not declare.",
        wrong: "library: crm\nlanguages: [en, ru]\ntitle: {en: Sales, ry: Продажи}\n",
        right: "library: crm\nlanguages: [en, ru]\ntitle: {en: Sales, ru: Продажи}\n",
    },
    Code {
        code: "missing-language",
        meaning: "A text lacks a language that the library declares; a warning.",
        wrong: "library: crm\nlanguages: [en, ru]\ntitle: {en: Sales}\n",
        right: "library: crm\nlanguages: [en, ru]\ntitle: {en: Sales, ru: Продажи}\n",
    },
    Code {
        code: "unknown-value",
        meaning: "A word is none of the codes that the type has: an enum value, a stage, a row of a lookup.",
        wrong: "library: crm\nlookups:\n  unit: {piece: Piece}\n  pack: {columns: {unit: ref(unit)}, rows: {box: {title: Box, unit: pieces}}}\n",
        right: "library: crm\nlookups:\n  unit: {piece: Piece}\n  pack: {columns: {unit: ref(unit)}, rows: {box: {title: Box, unit: piece}}}\n",
    },
    Code {
        code: "unknown-stage",
        meaning: "A stage that the entity does not have, or stages of an entity that has none.",
        wrong: "library: crm\nentities: {lead: {fields: {name: text}}}\nsettings: {first: stage of lead}\n",
        right: "library: crm\nentities: {lead: {stages: {field: stage, values: {new: {}}}}}\nsettings: {first: stage of lead}\n",
    },
    Code {
        code: "unknown-entity",
        meaning: "A name of an entity or lookup that does not exist.",
        wrong: "library: crm\nentities: {lead: {fields: {sale: \"ref(lead, ordr)\"}}, order: {}}\n",
        right: "library: crm\nentities: {lead: {fields: {sale: \"ref(lead, order)\"}}, order: {}}\n",
    },
];
