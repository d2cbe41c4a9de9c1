"""The report as JUnit XML, for CI systems."""

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from contract_tests.report.model import Outcome, Report
from contract_tests.verdict import Verdict


def junit(report: Report) -> str:
    """One suite a group, one case a check. Warnings, known failures and the rest are skips."""
    root = Element("testsuites", name="contract", time=f"{report.duration_s:.3f}")
    for group, outcomes in report.groups().items():
        suite = SubElement(root, "testsuite", name=group, tests=str(len(outcomes)))
        cases = [_case(suite, outcome, strict=report.strict) for outcome in outcomes]
        for kind in ("failure", "error", "skipped"):
            count = sum(case.find(kind) is not None for case in cases)
            suite.set({"failure": "failures", "error": "errors"}.get(kind, kind), str(count))
    indent(root)
    return tostring(root, encoding="unicode", xml_declaration=True)


def _case(suite: Element, outcome: Outcome, *, strict: bool) -> Element:
    case = SubElement(
        suite,
        "testcase",
        classname=outcome.group,
        name=outcome.id,
        time=f"{outcome.duration_s:.3f}",
    )
    if outcome.verdict is Verdict.PASS:
        return case
    fails = outcome.verdict is Verdict.FAIL or (
        strict and outcome.verdict is Verdict.WARN and outcome.level == "SHOULD"
    )
    kind = "skipped"
    if outcome.verdict is Verdict.ERROR:
        kind = "error"
    elif fails and outcome.baseline is None:
        kind = "failure"
    note = SubElement(
        case, kind, message=f"{outcome.verdict}: {outcome.message}", type=outcome.level
    )
    lines = [outcome.rule, *(f"{one.kind}: {one.where}" for one in outcome.sources)]
    note.text = "\n".join([*lines, *(request.curl for request in outcome.requests[-1:])])
    return case
