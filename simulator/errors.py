"""The one error of the simulator: an ask that cannot be carried out, said in both languages."""


class Refused(Exception):
    """Nothing was done. vi, en: what to change; status: the HTTP answer."""

    def __init__(self, vi: str, en: str, *, status: int = 422) -> None:
        super().__init__(en)
        self.vi = vi
        self.en = en
        self.status = status
