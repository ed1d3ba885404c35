//! What can be wrong with a decision table.

use super::Code;

pub(super) const CODES: &[Code] = &[
    Code {
        code: "unknown-decision",
        meaning: "A `decide` step names a decision that no file declares.",
        wrong: "# file: crm.yaml\nlibrary: crm\n# file: rate.yaml\ndecision: rate\ninputs: {vip: bool}\noutputs: {percent: int}\nrules:\n  - then: {percent: 5}\n# file: p.yaml\nprocess: greet\nsteps:\n  - decide: rates\n    with: {vip: true}\n    take: {percent: percent}\n",
        right: "# file: crm.yaml\nlibrary: crm\n# file: rate.yaml\ndecision: rate\ninputs: {vip: bool}\noutputs: {percent: int}\nrules:\n  - then: {percent: 5}\n# file: p.yaml\nprocess: greet\nsteps:\n  - decide: rate\n    with: {vip: true}\n    take: {percent: percent}\n",
    },
    Code {
        code: "unknown-hit-policy",
        meaning: "`hit` of a decision is none of the policies.",
        wrong: "decision: rate\ninputs: {vip: bool}\noutputs: {percent: int}\nhit: frist\nrules:\n  - {when: {vip: true}, then: {percent: 5}}\n  - then: {percent: 0}\n",
        right: "decision: rate\ninputs: {vip: bool}\noutputs: {percent: int}\nhit: first\nrules:\n  - {when: {vip: true}, then: {percent: 5}}\n  - then: {percent: 0}\n",
    },
    Code {
        code: "missing-output",
        meaning: "A rule of a decision says nothing about one of its outputs.",
        wrong: "decision: rate\ninputs: {vip: bool}\noutputs: {percent: int, why: text}\nrules:\n  - then: {percent: 5}\n",
        right: "decision: rate\ninputs: {vip: bool}\noutputs: {percent: int, why: text}\nrules:\n  - then: {percent: 5, why: null}\n",
    },
    Code {
        code: "decision-gap",
        meaning: "No rule of a decision fits some inputs, and it has no `otherwise`. An example is shown.",
        wrong: "decision: rate\ninputs: {score: int}\noutputs: {percent: int}\nrules:\n  - {when: {score: '< 10'}, then: {percent: 0}}\n  - {when: {score: '> 10'}, then: {percent: 5}}\n",
        right: "decision: rate\ninputs: {score: int}\noutputs: {percent: int}\nrules:\n  - {when: {score: '< 10'}, then: {percent: 0}}\n  - {when: {score: '>= 10'}, then: {percent: 5}}\n",
    },
    Code {
        code: "decision-overlap",
        meaning: "Two rules of a decision both fit some inputs where only one may (`unique`), or answer differently (`any`).",
        wrong: "decision: rate\ninputs: {score: int}\noutputs: {percent: int}\nrules:\n  - {when: {score: '<= 10'}, then: {percent: 0}}\n  - {when: {score: '>= 10'}, then: {percent: 5}}\n",
        right: "decision: rate\ninputs: {score: int}\noutputs: {percent: int}\nhit: first\nrules:\n  - {when: {score: '<= 10'}, then: {percent: 0}}\n  - {when: {score: '>= 10'}, then: {percent: 5}}\n",
    },
    Code {
        code: "masked-rule",
        meaning: "The rules before a rule of a decision take all that it fits, so it is never the first.",
        wrong: "decision: rate\ninputs: {vip: bool}\noutputs: {percent: int}\nhit: first\nrules:\n  - then: {percent: 0}\n  - {when: {vip: true}, then: {percent: 5}}\n",
        right: "decision: rate\ninputs: {vip: bool}\noutputs: {percent: int}\nhit: first\nrules:\n  - {when: {vip: true}, then: {percent: 5}}\n  - then: {percent: 0}\n",
    },
    Code {
        code: "decision-unchecked",
        meaning: "A decision has so many rules and inputs that it is not looked at for gaps or for rules that are never needed.",
        wrong: "",
        right: "",
    },
];
