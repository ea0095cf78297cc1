"""What every case has: a fresh sandbox, an official client, and words to say what is expected of a call."""

import re
import time
import unittest

from tencentcloud.cdn.v20180606 import errorcodes

import client
from sandbox import Sandbox

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TASK_DEADLINE_SECONDS = 60
# A little more than a task takes: tccli is slow to ask again.
POLL_EVERY_SECONDS = 2.6

# What any product may answer, from the page of common error codes; the CDN's own are listed by its SDK.
COMMON_CODES = {
    "AuthFailure.SecretIdNotFound",
    "AuthFailure.SignatureExpire",
    "AuthFailure.SignatureFailure",
    "AuthFailure.TokenFailure",
    "InvalidAction",
    "InvalidParameter",
    "MissingParameter",
    "RequestLimitExceeded",
}
PRODUCT_CODES = {code for name, code in vars(errorcodes).items() if name.isupper()}


class Case(unittest.TestCase):
    # What the sandbox is started with, if not its defaults.
    domain_file = None
    key = None

    def setUp(self):
        self.sandbox = Sandbox(self.domain_file, self.key)
        self.addCleanup(self.sandbox.stop)
        self.client = client.at_hand()

    def new_client(self, clock=()):
        made = client.client(clock)
        self.addCleanup(made.stop)
        return made

    def outcomes(self, action, params, times, key=None, by=None):
        call = {
            "endpoint": self.sandbox.endpoint,
            "key": key or self.sandbox.key,
            "action": action,
            "params": params,
        }
        return (by or self.client).calls([call] * times)

    def outcome(self, action, params, key=None, by=None):
        return self.outcomes(action, params, 1, key, by)[0]

    def answer(self, action, key=None, **params):
        """The call's answer, of which nothing was lost on its way through the client."""
        outcome = self.outcome(action, params, key)
        if isinstance(outcome, client.Refusal):
            self.fail(f"{action} was refused: {outcome}")
        self.assertEqual(outcome["RequestId"], self.sandbox.calls()[-1]["request_id"])
        self.assertRegex(outcome["RequestId"], UUID)
        return outcome

    def refused(self, code, action, key=None, by=None, **params):
        """The call is refused with a code that the provider documents, in a way that the client understands, and costs
        nothing."""
        self.expect_refusal(code, self.outcome(action, params, key, by))
        last = self.sandbox.calls()[-1]
        self.assertEqual((last["action"], last["code"], last["charged"]), (action, code, 0))

    def expect_refusal(self, code, outcome):
        self.assertIsInstance(outcome, client.Refusal, f"{code} was expected, not {outcome}")
        self.assertEqual(outcome.code, code, outcome)
        self.assertIn(code, COMMON_CODES | PRODUCT_CODES)
        self.assertRegex(outcome.request_id or "", UUID)
        self.assertIn(outcome.request_id, [call["request_id"] for call in self.sandbox.calls()])

    def followed_to_its_end(self, action, task_id):
        """The rows of a task, once none of them is in progress."""
        name = "PushLogs" if action == "DescribePushTasks" else "PurgeLogs"
        deadline = time.monotonic() + TASK_DEADLINE_SECONDS
        while True:
            rows = self.answer(action, TaskId=task_id)[name]
            if rows and all(row["Status"] != "process" for row in rows):
                return rows
            self.assertLess(time.monotonic(), deadline, rows)
            time.sleep(POLL_EVERY_SECONDS)
