"""Who may call: keys, session tokens and clocks."""

from case import Case
from client import on_a_host_whose_clock_is_off_by

URLS = ["https://www.example.com/"]


class Keys(Case):
    def test_a_wrong_key_fails_the_signature(self):
        wrong = self.sandbox.key | {"secret_key": "x" * 32}
        for action, params in (("PurgeUrlsCache", {"Urls": URLS}), ("DescribePurgeQuota", {})):
            self.refused("AuthFailure.SignatureFailure", action, wrong, **params)

    def test_a_wrong_secret_id_is_not_found(self):
        stranger = self.sandbox.key | {"secret_id": "AKID" + "x" * 32}
        self.refused("AuthFailure.SecretIdNotFound", "PurgeUrlsCache", stranger, Urls=URLS)

    def test_a_token_beside_a_permanent_key_is_refused(self):
        stray = self.sandbox.key | {"token": "stray"}
        self.refused("AuthFailure.TokenFailure", "PurgeUrlsCache", stray, Urls=URLS)

    def test_a_clock_more_than_five_minutes_off_has_its_code(self):
        for seconds in (-600, 600):
            skewed = self.new_client(on_a_host_whose_clock_is_off_by(seconds))
            self.refused("AuthFailure.SignatureExpire", "PurgeUrlsCache", by=skewed, Urls=URLS)

    def test_a_clock_a_little_off_is_let_pass(self):
        for seconds in (-120, 120):
            skewed = self.new_client(on_a_host_whose_clock_is_off_by(seconds))
            outcome = self.outcome("PurgeUrlsCache", {"Urls": URLS}, by=skewed)
            self.assertIn("TaskId", outcome, outcome)


class SessionTokens(Case):
    key = {"secret_id": "AKIDtemporary", "secret_key": "a-temporary-key", "token": "a-session-token"}

    def test_a_temporary_key_works_with_its_token(self):
        self.assertTrue(self.answer("PurgeUrlsCache", Urls=URLS)["TaskId"])

    def test_a_temporary_key_fails_without_its_token(self):
        bare = {name: self.key[name] for name in ("secret_id", "secret_key")}
        for key in (bare, self.key | {"token": "expired"}):
            self.refused("AuthFailure.TokenFailure", "PurgeUrlsCache", key, Urls=URLS)
