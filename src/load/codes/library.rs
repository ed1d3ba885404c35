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
        wrong: "library: crm\nentities: {file: {fields: {name: text}}, document: {}}\ndocuments: {invoice: {for: file}}\n",
        right: "# file: crm.yaml\nlibrary: crm\nentities: {file: {fields: {name: text}}, document: {}}\n\
                documents: {invoice: {for: file, template: invoice.html}}\n# file: invoice.html\nInvoice\n",
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
        code: "too-many-entries",
        meaning: "An entity has more than 300 columns, stages or lists of children.",
        wrong: "",
        right: "",
    },
    Code {
        code: "unknown-entity",
        meaning: "A name of an entity or lookup that does not exist.",
        wrong: "library: crm\nentities: {lead: {fields: {sale: \"ref(lead, ordr)\"}}, order: {}}\n",
        right: "library: crm\nentities: {lead: {fields: {sale: \"ref(lead, order)\"}}, order: {}}\n",
    },
    Code {
        code: "no-library",
        meaning: "Processes were given without the library that they belong to.",
        wrong: "",
        right: "",
    },
    Code {
        code: "second-library",
        meaning: "Two libraries were given together.",
        wrong: "# file: crm.yaml\nlibrary: crm\n# file: sales.yaml\nlibrary: sales\n",
        right: "library: crm\n",
    },
    Code {
        code: "unknown-column",
        meaning: "A column, or list of children, that the entity does not have.",
        wrong: "library: crm\nentities:\n  line: {fields: {price: {type: money, in: curency}, currency: text}}\n",
        right: "library: crm\nentities:\n  line: {fields: {price: {type: money, in: currency}, currency: text}}\n",
    },
    Code {
        code: "unknown-setting",
        meaning: "A setting that is not declared.",
        wrong: "library: crm\nentities: {currency: {}}\nsettings: {base_currency: ref(currency)}\ncurrencies: {entity: currency, base: settings.currency}\n",
        right: "library: crm\nentities: {currency: {}}\nsettings: {base_currency: ref(currency)}\ncurrencies: {entity: currency, base: settings.base_currency}\n",
    },
    Code {
        code: "unknown-role",
        meaning: "A role that is not declared.",
        wrong: "library: crm\nroles: {employee: {}, manager: {inherits: [employe]}}\n",
        right: "library: crm\nroles: {employee: {}, manager: {inherits: [employee]}}\n",
    },
    Code {
        code: "unknown-calendar",
        meaning: "A calendar that is not declared.",
        wrong: "library: crm\ncalendar: ofice\ncalendars: {office: {zone: Europe/Moscow}}\n",
        right: "library: crm\ncalendar: office\ncalendars: {office: {zone: Europe/Moscow}}\n",
    },
    Code {
        code: "role-cycle",
        meaning: "Roles inherit each other in a circle.",
        wrong: "library: crm\nroles: {employee: {inherits: [manager]}, manager: {inherits: [employee]}}\n",
        right: "library: crm\nroles: {employee: {}, manager: {inherits: [employee]}}\n",
    },
    Code {
        code: "child-column",
        meaning: "The column of a list of children does not refer to the parent.",
        wrong: "library: crm\nentities:\n  order: {children: {lines: line.product}}\n  line: {fields: {order: ref(order), product: ref(product)}}\n  product: {}\n",
        right: "library: crm\nentities:\n  order: {children: {lines: line.order}}\n  line: {fields: {order: ref(order), product: ref(product)}}\n  product: {}\n",
    },
    Code {
        code: "stage-column",
        meaning: "The column that holds the stages is declared as something else, or is set by an entry into a stage.",
        wrong: "library: crm\nentities: {lead: {fields: {stage: text}, stages: {field: stage, values: {new: {}}}}}\n",
        right: "library: crm\nentities: {lead: {stages: {field: stage, values: {new: {}}}}}\n",
    },
    Code {
        code: "final-stage",
        meaning: "A table of moves has a row for a final stage.",
        wrong: "library: crm\nentities:\n  lead:\n    stages:\n      field: stage\n      values: {new: {}, won: {final: success}}\n      moves: {new: [won], won: [new]}\n",
        right: "library: crm\nentities:\n  lead:\n    stages:\n      field: stage\n      values: {new: {}, won: {final: success}}\n      moves: {new: [won]}\n",
    },
    Code {
        code: "conflicting-keys",
        meaning: "Keys of one column contradict each other.",
        wrong: "library: crm\nentities: {line: {fields: {price: number, total: {type: number, computed: price * 2, initial: 0}}}}\n",
        right: "library: crm\nentities: {line: {fields: {price: number, total: {type: number, computed: price * 2}}}}\n",
    },
    Code {
        code: "computed-column",
        meaning: "A computed column is set.",
        wrong: "library: crm\nentities:\n  lead:\n    fields: {name: text, title: {type: text, computed: name}}\n    stages: {field: stage, values: {new: {set: {title: name}}}}\n",
        right: "library: crm\nentities:\n  lead:\n    fields: {name: text, title: {type: text, computed: name}}\n    stages: {field: stage, values: {new: {set: {name: name}}}}\n",
    },
    Code {
        code: "doubtful-duration",
        meaning: "An ISO duration says months where minutes may be meant; a warning.",
        wrong: "library: crm\nsettings: {pause: {type: duration, initial: P30M}}\n",
        right: "library: crm\nsettings: {pause: {type: duration, initial: 30 min}}\n",
    },
    Code {
        code: "computed-cycle",
        meaning: "Columns are computed from each other in a circle.",
        wrong: "library: crm\nentities:\n  line:\n    fields:\n      price: {type: number, computed: total / 2}\n      total: {type: number, computed: price * 2}\n",
        right: "library: crm\nentities:\n  line:\n    fields:\n      price: number\n      total: {type: number, computed: price * 2}\n",
    },
    Code {
        code: "computed-reach",
        meaning: "A stored computed column reads what it is not told of when it changes.",
        wrong: "library: crm\nentities:\n  line: {fields: {product: ref(product), name: {type: text, computed: product.name}}}\n  product: {fields: {name: text}}\n",
        right: "library: crm\nentities:\n  line: {fields: {product: ref(product), name: {type: text, computed: product.name, live: true}}}\n  product: {fields: {name: text}}\n",
    },
    Code {
        code: "not-constant",
        meaning: "A value must be known when the library is loaded, but is an expression that reads something.",
        wrong: "library: crm\nsettings: {small: int, large: {type: int, initial: settings.small}}\n",
        right: "library: crm\nsettings: {small: int, large: {type: int, initial: 100}}\n",
    },
    Code {
        code: "nothing-to-fill",
        meaning: "A title of a library has `{...}` in it, but no record is at hand from which it could be filled in.",
        wrong: "library: crm\nentities: {lead: {title: \"Lead {name}\", fields: {name: text}}}\n",
        right: "library: crm\nentities: {lead: {title: Lead, fields: {name: text}}}\n",
    },
];
