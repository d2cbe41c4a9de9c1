"""Characters beyond ASCII: they come back as they were sent, however the request spells them."""

import json
import re

from contract_tests.check import MUST, Check, check
from contract_tests.expect import cooperate, expect
from contract_tests.reading import choice_of, content_of
from contract_tests.samples import CHAT
from contract_tests.server import Server
from contract_tests.sources import peer, rfc

# One to four bytes in UTF-8, two UTF-16 units, and characters joined to one picture.
PHRASE = "naïve, 漢字, Жук, 🦊, 👩\u200d👧, 𐍈"
ASK = f"Repeat exactly this line and nothing else: {PHRASE}"
WORDS = ("naïve", "漢字", "Жук", "🦊")
# What becomes of the words on the way: none of it is anything that a model would say of itself.
DAMAGED = (
    "na?ve",
    "na\\u00efve",
    "\\u6f22",
    "\\ud83e",
    *(word.encode().decode("latin-1") for word in WORDS),
    *(word.encode().decode("cp1252", "replace") for word in WORDS),
)
# The line with replacement characters in it; elsewhere a model may have said them itself.
CUT = re.compile("".join(one if one.isascii() else f"(?:{one}|\ufffd{{1,4}})" for one in PHRASE))


def _whole(text: str) -> None:
    seen = ascii(text)
    expect(not any(0xD800 <= ord(one) <= 0xDFFF for one in text), "no half of a character", seen)
    expect(not any(one in text for one in DAMAGED), ascii(PHRASE), seen)
    cut = CUT.search(text)
    cooperate(cut, "the model did not repeat the line")
    expect(PHRASE in text, ascii(PHRASE), seen)


def _round_trip(name: str, how: str, escaped: bool) -> Check:
    @check(
        f"unicode.{name}",
        MUST,
        f"Text beyond ASCII, {how}, is understood and answered whole.",
        rfc("RFC 8259 §8.1"),
        peer("llmprobe", "byte-exact"),
        needs="chat",
        clients="everyone who does not write English; emoji turn into boxes",
        cooperative=True,
    )
    async def round_trip(server: Server) -> None:
        body = json.dumps(server.chat_body(ASK), ensure_ascii=escaped).encode()
        answer = await server.post(CHAT, None, content=body)
        expect(answer.status == 200, "200", answer.brief())
        text = content_of(choice_of(answer.json))
        cooperate(text, "the reply has no text")
        _whole(text)

    return round_trip


raw = _round_trip("raw", "sent as UTF-8", escaped=False)
escaped = _round_trip("escaped", "sent as \\u escapes", escaped=True)
