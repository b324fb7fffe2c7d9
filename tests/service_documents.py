"""What the learners behind the services of the tests know."""

from __future__ import annotations

from learners import Fake, fake

DOCUMENTS: list[Fake] = [fake("service/0"), fake("service/1")]
