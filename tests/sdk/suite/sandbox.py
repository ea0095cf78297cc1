"""A sandbox of one test's own: the real binary, its one line of addresses, its control endpoint, and its end."""

import atexit
import json
import os
import signal
import subprocess
import tempfile
import urllib.request

# Whatever ends this process, no sandbox outlives it: being told to stop unwinds it like Ctrl-C.
_running = set()
atexit.register(lambda: [process.kill() for process in _running])
signal.signal(signal.SIGTERM, signal.default_int_handler)

# No proxy stands between us and loopback.
_http = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Sandbox:
    def __init__(self, domain_file=None, key=None):
        arguments = [os.environ["REFRESHD"], "sandbox", "--listen", "127.0.0.1:0"]
        environment = {}
        if domain_file is not None:
            with tempfile.NamedTemporaryFile("w", suffix=".toml", delete=False) as file:
                file.write(domain_file)
            self._domain_file = file.name
            arguments += ["--domains", file.name]
        if key is not None:
            arguments += ["--secret-id", key["secret_id"]]
            environment["REFRESHD_SANDBOX_SECRET_KEY"] = key["secret_key"]
            environment["REFRESHD_SANDBOX_SESSION_TOKEN"] = key["token"]
        self._process = subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE)
        _running.add(self._process)
        at = json.loads(self._process.stdout.readline())
        if domain_file is not None:
            os.unlink(self._domain_file)
        self.endpoint, self._control = at["api"], at["control"]
        self.key = key or {"secret_id": at["secret_id"], "secret_key": at["secret_key"]}

    def stop(self):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        _running.discard(self._process)

    def put(self, what, value):
        request = urllib.request.Request(
            f"http://{self._control}/control/{what}", json.dumps(value).encode(), method="PUT"
        )
        _http.open(request, timeout=30).close()

    def calls(self):
        with _http.open(f"http://{self._control}/control/calls", timeout=30) as answer:
            return json.load(answer)
