"""The official clients behind one face: which one is told by the environment. They run unchanged, as processes of
their own, with nothing in their environment but what a user would put there."""

import atexit
import concurrent.futures
import functools
import json
import os
import re
import subprocess

SUITE = os.path.dirname(os.path.abspath(__file__))
TOOLS = os.environ["REFRESHD_SDK_TOOLS"]
HOME = os.environ["REFRESHD_SDK_HOME"]
ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": HOME, "LANG": "C.UTF-8"}
ANSWER_SECONDS_MAX = 60

DRIVERS = {
    "python": [f"{TOOLS}/python/bin/python3", f"{SUITE}/../python/driver.py"],
    "node": ["node", f"{SUITE}/../node/driver.js"],
}


class Answer(dict):
    """What a call that was not refused answered."""


class Refusal(Exception):
    def __init__(self, code, message, request_id):
        super().__init__(f"{code}: {message} ({request_id})")
        self.code, self.request_id = code, request_id


def on_a_host_whose_clock_is_off_by(seconds):
    # Only the time of day: with a false monotonic clock a client's own timers go astray.
    return ["env", "FAKETIME_DONT_FAKE_MONOTONIC=1", "faketime", "-f", f"{seconds:+d}s"]


def client(clock=()):
    name = os.environ["REFRESHD_SDK_CLIENT"]
    return CommandLine(list(clock)) if name == "tccli" else Sdk(DRIVERS[name], list(clock))


@functools.cache
def at_hand():
    """The client that serves every case, for starting one takes long. It remembers nothing from call to call."""
    made = client()
    atexit.register(made.stop)
    return made


class Sdk:
    def __init__(self, driver, clock):
        self._process = subprocess.Popen(
            clock + driver, cwd=f"{TOOLS}/node", env=ENVIRONMENT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def calls(self, calls):
        """Their outcomes, in order. The SDK has them all at once, and makes them as fast as it can."""
        lines = "".join(json.dumps(call) + "\n" for call in calls)
        self._process.stdin.write(lines)
        self._process.stdin.flush()
        return [self._outcome(self._process.stdout.readline()) for _ in calls]

    @staticmethod
    def _outcome(line):
        reply = json.loads(line)
        return Answer(reply["answer"]) if "answer" in reply else Refusal(reply["code"], reply["message"], reply["request_id"])

    def stop(self):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


class CommandLine:
    """tccli: a process for each call, and its words on stderr for a refusal."""

    SAYS = re.compile(r"\[TencentCloudSDKException\] code:(\S+) message:(.*) requestId:(\S+)$", re.DOTALL)

    def __init__(self, clock):
        self._command = clock + [f"{TOOLS}/tccli/bin/tccli", "cdn"]

    def calls(self, calls):
        """Their outcomes, in order. More than one are made side by side."""
        with concurrent.futures.ThreadPoolExecutor(max_workers=8) as threads:
            return list(threads.map(self._call, calls))

    def _call(self, call):
        key, arguments = call["key"], []
        for name, value in call["params"].items():
            arguments += [f"--{name}", value if isinstance(value, str) else json.dumps(value)]
        environment = ENVIRONMENT | {
            "TENCENTCLOUD_SECRET_ID": key["secret_id"],
            "TENCENTCLOUD_SECRET_KEY": key["secret_key"],
            "TENCENTCLOUD_REGION": "ap-guangzhou",
        }
        if "token" in key:
            environment["TENCENTCLOUD_TOKEN"] = key["token"]
        command = [*self._command, call["action"], "--endpoint", f"http://{call['endpoint']}", *arguments]
        ended = subprocess.run(command, env=environment, text=True, capture_output=True, timeout=ANSWER_SECONDS_MAX)
        if ended.returncode == 0:
            return Answer(json.loads(ended.stdout))
        match = self.SAYS.search(ended.stderr.strip())
        assert match, f"{call['action']}: exit {ended.returncode}: {ended.stderr}"
        code, message, request_id = match.groups()
        return Refusal(code, message, request_id)

    def stop(self):
        pass
