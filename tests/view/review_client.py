"""A person at the review page, as a program: starts `wsiflow view RUN` and sends the page's requests.

    with Reviewer(program, run) as reviewer:
        reviewer.decide(slide, region, "rejected", "pen")

Every change says which revision it saw, as the page does.  Refused is raised for an answer that is not 200."""
import http.client
import json
import os
import re
import signal
import subprocess


class Refused(Exception):
    def __init__(self, status, answer):
        super().__init__(f"{status}: {answer.get('error')}")
        self.status, self.answer = status, answer


class Reviewer:
    def __init__(self, program, run):
        self.process = subprocess.Popen([program, "view", run], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        found = re.match(r"open http://([^:/]+):(\d+)(/\S*)", line)
        if not found:
            raise RuntimeError(f"wsiflow view: {line}{self.process.stderr.read()}")
        self.host, self.port = found[1], int(found[2])
        connection = http.client.HTTPConnection(self.host, self.port)
        connection.request("GET", found[3])
        self.cookie = connection.getresponse().getheader("Set-Cookie").split(";")[0]
        connection.close()
        self.names = {slide["name"]: slide["id"] for slide in self.ask("GET", "/api/slides")}
        self.seen = {}

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.end()

    def end(self, signal_number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def ask(self, method, path, body=None):
        headers = {"Cookie": self.cookie}
        if body is not None:
            headers |= {"Content-Type": "application/json", "X-Wsiflow": "1", "Origin": f"http://{self.host}:{self.port}"}
        connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        reply = connection.getresponse()
        answer = json.loads(reply.read())
        connection.close()
        if reply.status != 200:
            raise Refused(reply.status, answer)
        return answer

    def path(self, slide, rest):
        return f"/api/slides/{self.names[slide]}/{rest}"

    def review(self, slide):
        self.seen[slide] = self.ask("GET", self.path(slide, "review"))
        return self.seen[slide]

    def regions(self, slide):
        return self.ask("GET", self.path(slide, "regions"))["features"]

    def change(self, slide, method, rest, **body):
        if slide not in self.seen:
            self.review(slide)
        if method != "POST":
            body.setdefault("revision", self.seen[slide]["revision"])
        self.seen[slide] = self.ask(method, self.path(slide, rest), body)
        return self.seen[slide]

    def decide(self, slide, region, state, reason=""):
        return self.change(slide, "PUT", f"regions/{region}", state=state, reason=reason)

    def mark(self, slide, state, note=""):
        return self.change(slide, "PUT", "review", state=state, note=note)

    def draw(self, slide, ring, label="lesion"):
        return self.change(slide, "POST", "drawn", ring=ring, label=label)

    def erase(self, slide, number):
        return self.change(slide, "DELETE", f"drawn/{number}")


def kill_now(reviewer):
    """The server dies at once, whatever it is doing."""
    os.kill(reviewer.process.pid, signal.SIGKILL)
    reviewer.process.wait()
