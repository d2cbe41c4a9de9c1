"""Who may come in, and when the others should come back."""

import pytest

from backends.protocol.errors import RateLimitError
from backends.torch.engine.admission import Admission


def test_the_wait_that_is_told_follows_the_speed_at_which_others_leave() -> None:
    admission = Admission(30)
    for second in range(1, 6):
        admission.left(10, now_s=second)
    with pytest.raises(RateLimitError) as refused:
        admission.require_room(inside=30, waiting=25, now_s=6)
    assert refused.value.retry_after_s == 3
    with pytest.raises(RateLimitError) as refused:
        admission.require_room(inside=30, waiting=25, now_s=2000)
    assert refused.value.retry_after_s == 60
