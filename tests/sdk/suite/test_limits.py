"""Batches, day quotas and call rates."""

import time

from case import Case
from client import Answer, Refusal

HOME = "https://www.example.com/"
RATE_VOLLEYS_MAX = 10
RECOVERY_DEADLINE_SECONDS = 60


def purge_urls(count):
    return "PurgeUrlsCache", {"Urls": [f"{HOME}{number}" for number in range(count)]}


def purge_paths(count):
    return "PurgePathCache", {"Paths": [f"{HOME}{number}/" for number in range(count)], "FlushType": "flush"}


def push_urls(count):
    return "PushUrlsCache", {"Urls": [f"{HOME}{number}" for number in range(count)]}


class Batches(Case):
    def test_a_batch_is_full_or_refused(self):
        self.sandbox.put("quota", [{"kind": "directories", "total": 1_000}])
        for request, limit, code in (
            (purge_urls, 1_000, "LimitExceeded.CdnPurgeUrlExceedBatchLimit"),
            (purge_paths, 500, "LimitExceeded.CdnPurgePathExceedBatchLimit"),
            (push_urls, 500, "LimitExceeded.CdnPushExceedBatchLimit"),
        ):
            action, params = request(limit)
            self.assertTrue(self.answer(action, **params)["TaskId"])
            action, params = request(limit + 1)
            self.refused(code, action, **params)


class Quotas(Case):
    domain_file = """
        [[domains]]
        name = "www.example.com"
        [quota]
        urls = 3
        directories = 3
        prefetches = 3
    """

    def test_a_spent_quota_refuses_the_whole_call(self):
        for request, code in (
            (purge_urls, "LimitExceeded.CdnPurgeUrlExceedDayLimit"),
            (purge_paths, "LimitExceeded.CdnPurgePathExceedDayLimit"),
            (push_urls, "LimitExceeded.CdnPushExceedDayLimit"),
        ):
            for count, fits in ((2, True), (2, False), (1, True)):
                action, params = request(count)
                if fits:
                    self.answer(action, **params)
                else:
                    self.refused(code, action, **params)
        left = self.answer("DescribePurgeQuota")
        self.assertEqual([pool["Available"] for pool in left["UrlPurge"] + left["PathPurge"]], [0] * 4)


class Rates(Case):
    # So few that even a client that starts a process for each call is too fast.
    domain_file = """
        [[domains]]
        name = "www.example.com"
        [quota]
        calls_per_second = 1
    """

    def test_too_many_calls_are_refused_until_they_are_fewer(self):
        for _ in range(RATE_VOLLEYS_MAX):
            outcomes = self.outcomes("DescribePurgeQuota", {}, times=8)
            refusals = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
            if refusals:
                break
        self.assertTrue(any(isinstance(outcome, Answer) for outcome in outcomes), outcomes)
        self.assertTrue(refusals, "eight calls at once are more than one a second")
        for refusal in refusals:
            self.expect_refusal("RequestLimitExceeded", refusal)
        # Actions are counted apart.
        self.answer("DescribePushQuota")
        deadline = time.monotonic() + RECOVERY_DEADLINE_SECONDS
        while not isinstance(self.outcome("DescribePurgeQuota", {}), Answer):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(1)
