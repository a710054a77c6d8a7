"""Refusals that only the hand-over makes."""

from shared.web.errors import Refusal


class NothingToHandOver(Refusal):
    status, code = 409, "nothing_to_hand_over"
    fa = "اکنون هیچ ردیفی برای معرفی در نوبت نیست"
    en = "No row is waiting to be handed over"
