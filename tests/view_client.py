"""A client of `wsiflow view` for tests: starts it, takes its cookie, asks.  Standard library only."""
import atexit, http.client, json, os, re, signal, socket, subprocess


class Page:
    def __init__(self, *arguments, log=None):
        self.process = subprocess.Popen([os.environ["WSIFLOW"], "view", *arguments], stdout=subprocess.PIPE, stderr=log, bufsize=0)
        atexit.register(self.process.kill)  # also after a failed check
        line = self.line()
        found = re.fullmatch(r"open (http://([^/]+):(\d+))/\?token=([0-9a-f]{64})\n", line)
        assert found, (line, self.process.wait(10))
        self.origin, self.name, port, self.token = found.groups()
        self.port = int(port)
        self.host = f"{self.name}:{self.port}"
        self.cookie = None
        self.connection = None

    def line(self):
        """The next line that the program prints; unbuffered, so that the rest is there at the end."""
        return self.process.stdout.readline().decode()

    def enter(self):
        """Exchanges the token for the cookie."""
        status, headers, _ = self.ask("GET", f"/?token={self.token}", cookie=False)
        assert status == 303 and headers["Location"] == "/", (status, headers)
        cookie = headers["Set-Cookie"]
        assert re.fullmatch(r"wsiflow-%d=[0-9a-f]{64}; Path=/; HttpOnly; SameSite=Strict" % self.port, cookie), cookie
        self.cookie = cookie.split(";")[0]
        return self

    def ask(self, method, path, headers=None, body=None, cookie=True):
        """Status, headers, body; the Host is ours unless headers say otherwise."""
        sent = {"Cookie": self.cookie} if cookie and self.cookie else {}
        sent.update(headers or {})
        for attempt in range(2):  # an idle connection may have been closed
            if self.connection is None:
                self.connection = http.client.HTTPConnection(self.name, self.port, timeout=60)
            try:
                self.connection.request(method, path, body=body, headers=sent)
                answer = self.connection.getresponse()
                data = answer.read()
                return answer.status, answer.headers, data
            except (http.client.RemoteDisconnected, ConnectionError):
                self.connection.close()
                self.connection = None
                if attempt:
                    raise

    def get(self, path):
        """The body of an answer that must be 200."""
        status, _, body = self.ask("GET", path)
        assert status == 200, (path, status, body)
        return body

    def json(self, path):
        return json.loads(self.get(path))

    def raw(self, data):
        """What the server sends to these bytes.  A request that it takes for incomplete is ended after a moment by closing our side."""
        with socket.create_connection((self.name, self.port), timeout=.3) as s:
            out, closed = b"", False
            try:
                s.sendall(data)
                while True:
                    try:
                        part = s.recv(65536)
                    except socket.timeout:
                        if closed:
                            break
                        s.shutdown(socket.SHUT_WR)
                        closed = True
                        continue
                    if not part:
                        break
                    out += part
                    s.settimeout(.05)
            except OSError:  # reset or broken: the server has closed
                pass
            return out

    def end(self, number=signal.SIGINT):
        if self.connection:
            self.connection.close()
        self.process.send_signal(number)
        out, _ = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, self.process.returncode
        return out.decode()
