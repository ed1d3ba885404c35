//! What vendors add: each attribute and element is carried over, warned of, or refused; none is dropped without a word.

use stageflow::interchange::import;

/// What an addition came to: the files that are made, what is said, or why it is refused.
fn outcome(model: &str) -> (String, Vec<String>, String) {
    match import("m.bpmn", model) {
        Ok(imported) => {
            let files: Vec<&str> = imported.sources.iter().map(|(_, source)| &*source.text).collect();
            (files.concat(), imported.warnings.iter().map(|problem| problem.message.clone()).collect(), String::new())
        }
        Err(error) => {
            (String::new(), Vec::new(), error.problems.iter().map(|problem| problem.message.clone() + "\n").collect())
        }
    }
}

/// A model in which `[ ]` is where an attribute goes, and `( )` where an element does.
fn model(around: &str, attribute: &str, element: &str) -> String {
    let inside = around.replace("[ ]", attribute).replace(
        "( )",
        &if element.is_empty() { String::new() } else { format!("<extensionElements>{element}</extensionElements>") },
    );
    let (before, inside) = inside.split_once("---").unwrap_or(("", &inside));
    let process =
        if inside.contains("<process") { inside.to_string() } else { format!("<process id=\"P\">{inside}</process>") };
    format!(
        "<definitions xmlns=\"http://www.omg.org/spec/BPMN/20100524/MODEL\" xmlns:camunda=\"http://camunda.org/schema/1.0/bpmn\" \
         xmlns:zeebe=\"http://camunda.org/schema/zeebe/1.0\" xmlns:flowable=\"http://flowable.org/bpmn\" xmlns:activiti=\"http://activiti.org/bpmn\" \
         xmlns:other=\"urn:other\">{before}{process}</definitions>"
    )
}

const PROCESS: &str = "<process id=\"P\" [ ]>( )<task id=\"a\"/></process>";
const USER: &str = "<userTask id=\"a\" [ ]>( )</userTask>";
const SERVICE: &str = "<property id=\"x\"/><serviceTask id=\"a\" [ ]>( )</serviceTask>";
const RULE: &str = "<property id=\"x\"/><businessRuleTask id=\"a\" [ ]>( )</businessRuleTask>";
const SCRIPT: &str = "<scriptTask id=\"a\" [ ]>( )<script>one</script></scriptTask>";
const CALL: &str = "<callActivity id=\"a\" calledElement=\"P\" [ ]>( )</callActivity>";
const START: &str = "<startEvent id=\"a\" [ ]>( )</startEvent><userTask id=\"b\" camunda:assignee=\"${who}\"/>";
const ROUNDS: &str = "<userTask id=\"a\"><multiInstanceLoopCharacteristics [ ]>( )<loopDataInputRef>list</loopDataInputRef></multiInstanceLoopCharacteristics></userTask>";
const FLOW: &str =
    "<task id=\"a\"/><task id=\"b\"/><sequenceFlow id=\"f\" sourceRef=\"a\" targetRef=\"b\" [ ]>( )</sequenceFlow>";
const ERROR: &str = "<error id=\"e\" errorCode=\"e\"/>---<task id=\"a\"/><boundaryEvent id=\"b\" attachedToRef=\"a\">( )<errorEventDefinition errorRef=\"e\" [ ]/></boundaryEvent>";
const ESCALATION: &str = "<escalation id=\"e\" escalationCode=\"e\"/>---<task id=\"a\"/><boundaryEvent id=\"b\" attachedToRef=\"a\"><escalationEventDefinition escalationRef=\"e\" [ ]/></boundaryEvent>";
const CONDITION: &str = "<intermediateCatchEvent id=\"a\"><conditionalEventDefinition [ ]><condition>x</condition></conditionalEventDefinition></intermediateCatchEvent>";
const SIGNAL: &str = "<signal id=\"s\" name=\"s\" [ ]/>---<intermediateThrowEvent id=\"a\"><signalEventDefinition signalRef=\"s\" [ ]>( )</signalEventDefinition></intermediateThrowEvent>";
const MESSAGE: &str = "<message id=\"m\" name=\"m\">( )</message>---<intermediateThrowEvent id=\"a\"><messageEventDefinition messageRef=\"m\" [ ]/></intermediateThrowEvent><receiveTask id=\"r\" messageRef=\"m\"/>";
const END: &str = "<endEvent id=\"a\" [ ]>( )<terminateEventDefinition/></endEvent>";
const AD_HOC: &str = "<adHocSubProcess id=\"a\" [ ]>( )<task id=\"b\"/><task id=\"c\"/></adHocSubProcess>";
const LANE: &str =
    "<laneSet id=\"l\"><lane id=\"x\" [ ]>( )<flowNodeRef>a</flowNodeRef></lane></laneSet><task id=\"a\"/>";

/// Attributes, and what becomes of them: words of the files, or `!` and words of what is said.
const ATTRIBUTES: &[(&str, &str, &str)] = &[
    (USER, "camunda:assignee=\"demo\"", "assign: \"\\\"demo\\\"\""),
    (USER, "camunda:assignee=\"${who}\"", "assign: who"),
    (USER, "camunda:candidateGroups=\"sales\"", "assign: role(sales)"),
    (USER, "camunda:candidateGroups=\"${group}\"", "role(= group)"),
    (USER, "camunda:candidateGroups=\"a, ${group}\"", "!`${group}` among groups is not understood"),
    (USER, "camunda:candidateUsers=\"ann,bob\"", "!the candidates ann,bob become a role"),
    (USER, "camunda:assignee=\"demo\" camunda:candidateGroups=\"sales\"", "!mean nothing beside its assignee"),
    (
        USER,
        "camunda:candidateUsers=\"ann\" camunda:candidateGroups=\"sales\"",
        "!the candidate users of userTask `a` are left out",
    ),
    (USER, "camunda:dueDate=\"2026-03-02T12:00:00\"", "due: \"@\\\"2026-03-02T12:00:00\\\"\""),
    (USER, "camunda:dueDate=\"P3D\"", "due: P3D"),
    (USER, "camunda:dueDate=\"${when}\"", "due: if when instance of text then date and time(when) else when"),
    (USER, "camunda:followUpDate=\"${when}\"", "!`followUpDate` of userTask `a`"),
    (USER, "camunda:priority=\"50\"", "!`priority`"),
    (USER, "camunda:formKey=\"forms/{a}.html\"", "form_key: \"forms/{{a}}.html\""),
    (USER, "camunda:formKey=\"forms/${kind}.html\"", "form_key: \"forms/{kind}.html\""),
    (USER, "camunda:formKey=\"${forms.of(kind)}\"", "!`${forms.of(kind)}` is not understood: the method `of`"),
    (USER, "camunda:formRef=\"review\"", "form_key: review"),
    (USER, "camunda:formRefBinding=\"latest\"", "!`formRefBinding`"),
    (USER, "camunda:formHandlerClass=\"X\"", "!`formHandlerClass`"),
    (USER, "camunda:asyncBefore=\"true\"", "!`asyncBefore`"),
    (USER, "camunda:asyncAfter=\"true\"", "!`asyncAfter`"),
    (USER, "camunda:exclusive=\"false\"", "!`exclusive`"),
    (USER, "camunda:jobPriority=\"1\"", "!`jobPriority`"),
    (USER, "flowable:category=\"x\"", "!`category`"),
    (USER, "flowable:skipExpression=\"${x}\"", "!`skipExpression`"),
    (USER, "flowable:taskIdVariableName=\"x\"", "!`taskIdVariableName`"),
    (USER, "flowable:businessCalendarName=\"x\"", "!`businessCalendarName`"),
    (USER, "activiti:assignee=\"demo\"", "assign: \"\\\"demo\\\"\""),
    (USER, "camunda:topic=\"x\"", "!`topic` of userTask"),
    (USER, "camunda:collection=\"x\"", "!`collection` of userTask"),
    (SERVICE, "camunda:type=\"external\" camunda:topic=\"pay-it\"", "service: pay_it"),
    (SERVICE, "camunda:type=\"mail\"", "service: mail"),
    (SERVICE, "camunda:class=\"org.example.PayIt\"", "service: pay_it"),
    (SERVICE, "camunda:delegateExpression=\"${payIt}\"", "service: pay_it"),
    (SERVICE, "camunda:expression=\"${payer.pay(x)}\"", "service: payer_pay"),
    (SERVICE, "camunda:expression=\"${payer.pay(x)}\"", "!the arguments of `${payer.pay(x)}`"),
    (SERVICE, "camunda:expression=\"${x + 1}\" camunda:resultVariable=\"y\"", "set: {y: x + 1}"),
    (SERVICE, "camunda:expression=\"${helper(x)}\" camunda:resultVariable=\"y\"", "!the function `helper`"),
    (SERVICE, "camunda:class=\"a.b.C\" camunda:resultVariable=\"y\"", "take: {y: result.value}"),
    (SERVICE, "flowable:class=\"a.b.C\" flowable:resultVariableName=\"y\"", "take: {y: result.value}"),
    (SERVICE, "camunda:taskPriority=\"1\"", "!`taskPriority`"),
    (SERVICE, "flowable:async=\"true\"", "!`async`"),
    (SERVICE, "flowable:triggerable=\"true\"", "!`triggerable`"),
    (SERVICE, "flowable:useLocalScopeForResultVariable=\"true\"", "!`useLocalScopeForResultVariable`"),
    (SERVICE, "flowable:storeResultVariableAsTransient=\"true\"", "!`storeResultVariableAsTransient`"),
    (SERVICE, "implementation=\"PayIt\"", "service: pay_it"),
    (RULE, "camunda:decisionRef=\"risk\"", "service: risk"),
    (RULE, "camunda:decisionRef=\"${which}\"", "!which service `${which}` is"),
    (RULE, "camunda:decisionRefBinding=\"version\"", "!`decisionRefBinding`"),
    (RULE, "camunda:decisionRefVersion=\"2\"", "!`decisionRefVersion`"),
    (RULE, "camunda:mapDecisionResult=\"singleEntry\"", "!`mapDecisionResult`"),
    (SCRIPT, "camunda:resultVariable=\"y\"", "take: {y: result.value}"),
    (SCRIPT, "camunda:resource=\"x.groovy\"", "!`resource`"),
    (SCRIPT, "flowable:autoStoreVariables=\"true\"", "!`autoStoreVariables`"),
    (CALL, "camunda:calledElementBinding=\"deployment\"", "!calls the newest version, not the one of `deployment`"),
    (CALL, "camunda:calledElementBinding=\"version\" camunda:calledElementVersion=\"3\"", "version: 3"),
    (
        CALL,
        "camunda:calledElementBinding=\"version\" camunda:calledElementVersion=\"${v}\"",
        "!a version that is worked out",
    ),
    (CALL, "camunda:calledElementBinding=\"versionTag\"", "!not the one of `versionTag`"),
    (CALL, "camunda:calledElementVersionTag=\"x\"", "!`calledElementVersionTag`"),
    (CALL, "camunda:calledElementTenantId=\"x\"", "!`calledElementTenantId`"),
    (CALL, "camunda:variableMappingClass=\"x\"", "!`variableMappingClass`"),
    (CALL, "flowable:sameDeployment=\"true\"", "!`sameDeployment`"),
    (CALL, "flowable:businessKey=\"x\"", "!`businessKey`"),
    (CALL, "flowable:processInstanceName=\"x\"", "!`processInstanceName`"),
    (START, "camunda:initiator=\"who\"", "assign: instance.initiator"),
    (START, "camunda:formKey=\"x\"", "!`formKey` of startEvent"),
    (START, "flowable:formFieldValidation=\"true\"", "!`formFieldValidation`"),
    (PROCESS, "camunda:versionTag=\"1\"", "!`versionTag`"),
    (PROCESS, "camunda:historyTimeToLive=\"5\"", "!`historyTimeToLive`"),
    (PROCESS, "camunda:candidateStarterGroups=\"x\"", "!`candidateStarterGroups`"),
    (PROCESS, "camunda:candidateStarterUsers=\"x\"", "!`candidateStarterUsers`"),
    (PROCESS, "camunda:isStartableInTasklist=\"false\"", "!`isStartableInTasklist`"),
    (ROUNDS, "camunda:collection=\"rows\" camunda:elementVariable=\"row\"", "each: row in rows"),
    (ROUNDS, "camunda:collection=\"${rows}\"", "each: item in rows"),
    (ROUNDS, "flowable:elementIndexVariable=\"at\"", "inputs: {at: loop.counter - 1}"),
    (ROUNDS, "camunda:asyncBefore=\"true\"", "!`asyncBefore` of multiInstanceLoopCharacteristics"),
    (ERROR, "camunda:errorCodeVariable=\"c\"", "take: {c: error.code}"),
    (ERROR, "camunda:errorMessageVariable=\"m\"", "take: {m: error.message}"),
    (ESCALATION, "camunda:escalationCodeVariable=\"c\"", "take: {c: \"\\\"e\\\"\"}"),
    (CONDITION, "camunda:variableName=\"x\"", "!`variableName`"),
    (CONDITION, "camunda:variableEvents=\"create\"", "!`variableEvents`"),
    (SIGNAL, "camunda:async=\"true\"", "!`async`"),
    (SIGNAL, "flowable:scope=\"global\"", "!`scope`"),
    (
        MESSAGE,
        "camunda:type=\"external\" camunda:topic=\"x\"",
        "!the job of intermediateThrowEvent `a` is not asked for",
    ),
    (END, "camunda:jobPriority=\"1\"", "!`jobPriority`"),
    (FLOW, "camunda:jobPriority=\"1\"", "!`jobPriority`"),
    (LANE, "other:colour=\"red\"", "!what `urn:other` adds means nothing here; it is there 1 times"),
    (USER, "other:colour=\"red\"", "!what `urn:other` adds"),
];

/// The same of elements.
const ELEMENTS: &[(&str, &str, &str)] = &[
    (SERVICE, "<zeebe:taskDefinition type=\"pay\"/>", "service: pay"),
    (SERVICE, "<zeebe:taskDefinition type=\"pay\" retries=\"3\"/>", "retry: {times: 2}"),
    (SERVICE, "<zeebe:taskDefinition type=\"pay\" retries=\"= 3\"/>", "retry: {times: 2}"),
    (SERVICE, "<zeebe:taskDefinition type=\"pay\" retries=\"= n\"/>", "!the retries `= n` are not understood"),
    (SERVICE, "<zeebe:taskDefinition type=\"= &quot;pay&quot;\"/>", "service: pay"),
    (SERVICE, "<zeebe:taskDefinition type=\"= kind\"/>", "!which service `= kind` is"),
    (
        SERVICE,
        "<zeebe:taskHeaders><zeebe:header key=\"verb\" value=\"GET\"/></zeebe:taskHeaders>",
        "verb: \"\\\"GET\\\"\"",
    ),
    (SERVICE, "<zeebe:ioMapping><zeebe:input source=\"= x\" target=\"y\"/></zeebe:ioMapping>", "with: {y: x}"),
    (SERVICE, "<zeebe:ioMapping><zeebe:input source=\"5\" target=\"y\"/></zeebe:ioMapping>", "with: {y: 5}"),
    (
        SERVICE,
        "<zeebe:ioMapping><zeebe:input source=\"nan\" target=\"y\"/></zeebe:ioMapping>",
        "with: {y: \"\\\"nan\\\"\"}",
    ),
    (
        SERVICE,
        "<zeebe:ioMapping><zeebe:output source=\"= y + x\" target=\"z\"/></zeebe:ioMapping>",
        "z: \"result.y + get or else(result.x, params.x)\"",
    ),
    (SERVICE, "<zeebe:properties><zeebe:property name=\"a\" value=\"b\"/></zeebe:properties>", "!`properties`"),
    (SERVICE, "<zeebe:executionListeners/>", "!`executionListeners`"),
    (SERVICE, "<zeebe:modelerTemplateIcon>x</zeebe:modelerTemplateIcon>", "service: a"),
    (RULE, "<zeebe:calledDecision decisionId=\"risk\" resultVariable=\"y\"/>", "take: {y: result.value}"),
    (SCRIPT, "<zeebe:script expression=\"= 1 + 2\" resultVariable=\"y\"/>", "set: {y: 1 + 2}"),
    (USER, "<zeebe:assignmentDefinition assignee=\"= who\"/>", "assign: who"),
    (USER, "<zeebe:assignmentDefinition candidateGroups=\"sales\"/>", "assign: role(sales)"),
    (USER, "<zeebe:assignmentDefinition candidateGroups=\"= [&quot;a&quot;, &quot;b&quot;]\"/>", "role(a_or_b)"),
    (USER, "<zeebe:assignmentDefinition candidateUsers=\"ann\"/>", "!the candidates ann become a role"),
    (USER, "<zeebe:formDefinition formKey=\"x\"/>", "form_key: x"),
    (USER, "<zeebe:formDefinition formId=\"x\"/>", "form_key: x"),
    (USER, "<zeebe:formDefinition externalReference=\"= ref\"/>", "form_key: \"{ref}\""),
    (USER, "<zeebe:formDefinition formId=\"x\" bindingType=\"versionTag\"/>", "!which version of a form"),
    (
        USER,
        "<zeebe:taskSchedule dueDate=\"= now() + duration(&quot;PT1H&quot;)\"/>",
        "due: \"now() + duration(\\\"PT1H\\\")\"",
    ),
    (USER, "<zeebe:taskSchedule followUpDate=\"= now()\"/>", "!`followUpDate` means nothing here"),
    (USER, "<zeebe:priorityDefinition priority=\"5\"/>", "!`priorityDefinition`"),
    (USER, "<zeebe:taskListeners/>", "!`taskListeners`"),
    (USER, "<zeebe:userTask/>", "type: user_task"),
    (USER, "<zeebe:taskDefinition type=\"x\"/>", "!`taskDefinition` of userTask"),
    (CALL, "<zeebe:calledElement processId=\"Q\"/>", "call: q"),
    (CALL, "<zeebe:calledElement processId=\"= q\"/>", "!does not say which process it calls"),
    (CALL, "<zeebe:calledElement processId=\"Q\" bindingType=\"deployment\"/>", "!not the one of `deployment`"),
    (CALL, "<camunda:in source=\"x\" target=\"y\"/>", "with: {y: x}"),
    (CALL, "<camunda:in sourceExpression=\"${x + 1}\" target=\"y\"/>", "with: {y: x + 1}"),
    (CALL, "<camunda:in businessKey=\"${k}\"/>", "!`in` of a call names no variable"),
    (CALL, "<camunda:in variables=\"all\" local=\"true\"/><camunda:in source=\"x\" target=\"y\"/>", "with: {y: x"),
    (CALL, "<camunda:out source=\"x\" target=\"y\"/>", "take: {y: result.x}"),
    (CALL, "<flowable:out sourceExpression=\"${x + 1}\" target=\"y\"/>", "take: {y: result.x + 1}"),
    (ROUNDS, "<zeebe:loopCharacteristics inputCollection=\"= rows\" inputElement=\"row\"/>", "each: row in rows"),
    (
        ROUNDS,
        "<zeebe:loopCharacteristics inputCollection=\"= rows\" outputCollection=\"all\" outputElement=\"= x\"/>",
        "collect: {all: x}",
    ),
    (MESSAGE, "<zeebe:subscription correlationKey=\"= order\"/>", "key: string(order)"),
    (
        SERVICE,
        "<camunda:inputOutput><camunda:inputParameter name=\"y\">${x}</camunda:inputParameter></camunda:inputOutput>",
        "with: {y: x}",
    ),
    (
        SERVICE,
        "<camunda:inputOutput><camunda:inputParameter name=\"y\">5</camunda:inputParameter></camunda:inputOutput>",
        "with: {y: \"\\\"5\\\"\"}",
    ),
    (
        SERVICE,
        "<camunda:inputOutput><camunda:inputParameter name=\"y\">No ${x}!</camunda:inputParameter></camunda:inputOutput>",
        "\\\"No \\\" + string(x) + \\\"!\\\"",
    ),
    (
        SERVICE,
        "<camunda:inputOutput><camunda:inputParameter name=\"y\"><camunda:script scriptFormat=\"x\">y</camunda:script></camunda:inputParameter></camunda:inputOutput>",
        "!`script` in a mapping is not run",
    ),
    (
        SERVICE,
        "<camunda:inputOutput><camunda:outputParameter name=\"y\">${z}</camunda:outputParameter></camunda:inputOutput>",
        "take: {y: result.z}",
    ),
    (
        SERVICE,
        "<camunda:connector><camunda:connectorId>http-connector</camunda:connectorId><camunda:inputOutput><camunda:inputParameter name=\"url\">u</camunda:inputParameter></camunda:inputOutput></camunda:connector>",
        "service: http_connector",
    ),
    (
        SERVICE,
        "<camunda:connector><camunda:connectorId>h</camunda:connectorId><camunda:inputOutput><camunda:inputParameter name=\"url\">u</camunda:inputParameter></camunda:inputOutput></camunda:connector>",
        "with: {url: \"\\\"u\\\"\"}",
    ),
    (
        SERVICE,
        "<camunda:failedJobRetryTimeCycle>R3/PT10M</camunda:failedJobRetryTimeCycle>",
        "retry: {times: 3, backoff: PT10M, factor: 1}",
    ),
    (
        SERVICE,
        "<camunda:failedJobRetryTimeCycle>PT1M,PT5M</camunda:failedJobRetryTimeCycle>",
        "!the retries `PT1M,PT5M` are not understood",
    ),
    (
        USER,
        "<camunda:failedJobRetryTimeCycle>R3/PT10M</camunda:failedJobRetryTimeCycle>",
        "!`failedJobRetryTimeCycle` of userTask",
    ),
    (SERVICE, "<flowable:field name=\"to\" stringValue=\"me\"/>", "to: \"\\\"me\\\"\""),
    (SERVICE, "<flowable:field name=\"to\"><flowable:expression>${x}</flowable:expression></flowable:field>", "to: x"),
    (SERVICE, "<camunda:errorEventDefinition id=\"e\" expression=\"${x}\"/>", "!`errorEventDefinition`"),
    (SERVICE, "<camunda:executionListener class=\"x\" event=\"start\"/>", "!`executionListener`"),
    (SERVICE, "<flowable:executionListener class=\"x\" event=\"start\"/>", "!`executionListener`"),
    (FLOW, "<camunda:executionListener class=\"x\" event=\"take\"/>", "!`executionListener` of sequenceFlow"),
    (PROCESS, "<flowable:eventListener class=\"x\"/>", "!`eventListener` of process"),
    (PROCESS, "<zeebe:userTaskForm id=\"x\">{}</zeebe:userTaskForm>", "!`userTaskForm`"),
    (USER, "<camunda:taskListener class=\"x\" event=\"create\"/>", "!`taskListener`"),
    (USER, "<camunda:properties/>", "!`properties`"),
    (USER, "<camunda:potentialStarter/>", "!`potentialStarter`"),
    (USER, "<camunda:formData><camunda:formField id=\"x\" type=\"long\"/></camunda:formData>", "form: [{x: int}]"),
    (
        USER,
        "<camunda:formData><camunda:formField id=\"x\" type=\"enum\"><camunda:value id=\"a\" name=\"A\"/></camunda:formField></camunda:formData>",
        "{x: {enum: {a: A}}}",
    ),
    (
        USER,
        "<camunda:formData><camunda:formField id=\"x\" type=\"enum\"><camunda:value id=\"A b\"/></camunda:formField></camunda:formData>",
        "!the choices of `x` become texts",
    ),
    (
        USER,
        "<camunda:formData><camunda:formField id=\"x\" label=\"X\" type=\"string\"/></camunda:formData>",
        "!label of the field `x`",
    ),
    (
        USER,
        "<camunda:formData><camunda:formField id=\"x\"><camunda:validation><camunda:constraint name=\"required\"/></camunda:validation></camunda:formField></camunda:formData>",
        "outcomes: {completed: {require: [x]}}",
    ),
    (
        USER,
        "<camunda:formData><camunda:formField id=\"x\"><camunda:validation><camunda:constraint name=\"min\" config=\"1\"/></camunda:validation></camunda:formField></camunda:formData>",
        "!the constraint `min` of `x`",
    ),
    (USER, "<flowable:formProperty id=\"x\" type=\"boolean\" required=\"true\"/>", "require: [x]"),
    (USER, "<flowable:formProperty id=\"x\" variable=\"y\"/>", "form: [{y: any}]"),
    (USER, "<flowable:formProperty id=\"x\" default=\"1\"/>", "!default of the field `x`"),
    (USER, "<flowable:formProperty id=\"x\" writable=\"false\"/>", "!`x` may be read and written here"),
    (START, "<camunda:formData><camunda:formField id=\"x\"/></camunda:formData>", "x: any"),
    (START, "<zeebe:properties/>", "!`properties`"),
    (
        ERROR,
        "<zeebe:ioMapping><zeebe:output source=\"= reason\" target=\"why\"/></zeebe:ioMapping>",
        "take: {why: error.reason}",
    ),
    (SIGNAL, "<camunda:in source=\"x\" target=\"y\"/>", "!`in` of signalEventDefinition"),
    (AD_HOC, "<zeebe:adHoc activeElementsCollection=\"=[&quot;b&quot;]\"/>", "begin: [b]"),
    (AD_HOC, "<zeebe:adHoc activeElementsCollection=\"=chosen\"/>", "!which activities begin in adHocSubProcess `a`"),
    (AD_HOC, "<zeebe:properties/>", "!`properties`"),
    (LANE, "<camunda:executionListener/>", "!`executionListener` of lane"),
    (USER, "<other:thing/>", "!what `urn:other` adds"),
];

#[test]
fn every_addition_is_carried_over_warned_of_or_refused() {
    let mut wrong = Vec::new();
    let attributes =
        ATTRIBUTES.iter().map(|(around, attribute, expected)| (model(around, attribute, ""), attribute, expected));
    let elements = ELEMENTS.iter().map(|(around, element, expected)| (model(around, "", element), element, expected));
    for (model, addition, expected) in attributes.chain(elements) {
        let (files, said, refused) = outcome(&model);
        let is_so = match expected.strip_prefix('!') {
            Some(words) => said.iter().any(|message| message.contains(words)) || refused.contains(words),
            None => files.contains(expected),
        };
        if !is_so {
            wrong.push(format!("{addition}\nexpected {expected}\nfound {files}{said:?}{refused}\n"));
        }
    }
    assert!(wrong.is_empty(), "{} are not so:\n{}", wrong.len(), wrong.join("\n"));
}

/// Whatever an engine may come to add: it is not dropped.
#[test]
fn what_is_not_known_is_said() {
    for around in [
        PROCESS, USER, SERVICE, RULE, SCRIPT, CALL, START, ROUNDS, FLOW, ERROR, ESCALATION, CONDITION, SIGNAL, MESSAGE,
        END, LANE, AD_HOC,
    ] {
        for space in ["camunda", "zeebe", "flowable", "activiti", "other"] {
            let (_, said, refused) = outcome(&model(around, &format!("{space}:novelty=\"x\""), ""));
            assert!(
                said.iter().any(|message| message.contains("novelty") || message.contains("urn:other")),
                "{around}: {said:?} {refused}"
            );
            if around.contains("( )") {
                let (_, said, refused) = outcome(&model(around, "", &format!("<{space}:novelty/>")));
                assert!(
                    said.iter().any(|message| message.contains("novelty") || message.contains("urn:other")),
                    "{around}: {said:?} {refused}"
                );
            }
        }
    }
}
