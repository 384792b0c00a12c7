#!/bin/sh
# What `wsiflow view` answers to whom: tokens, cookies, hosts, origins, limits, and paths that nobody should be able to follow.
. tests/lib.sh
root=$PWD
export WSIFLOW PYTHONPATH="$root/tests" PYTHONDONTWRITEBYTECODE=1
cd "$tmp" || exit 1
"$WSIFLOW" synth -o cohort -n 2 -l 1 --width 2500 --height 2100 >/dev/null 2>&1
head -c 3000 cohort/slides/synth_01.tif >cohort/slides/truncated.tif
mv cohort/slides/synth_00.tif 'cohort/slides/"><img src=x onerror=alert(1)>.tif'
printf 'slides:\n  folder: cohort/slides\n  unannotated: normal\n' >c.yaml
"$WSIFLOW" dataset -c c.yaml -o run >run.log 2>&1
is "the slides are cut, and one cannot be read" $? 3
# page NAME: a check in Python with the module view_client, a started page, and its cookie.
page() {
    { printf 'import http.client, json, os, random, re, socket, subprocess, time\nimport view_client\npage = view_client.Page("run").enter()\n' && cat; } >page.py
    check "$1" python3 page.py
}

page "the token works once, then there is another; wrong and old ones get nothing" <<'P'
def token(text):
    return page.ask("GET", "/?token=" + text, cookie=False)[0]
assert token(page.token) == 401 and token("0" * 64) == 401 and token("") in (400, 401)
# The address of the used token still leads in where the cookie is.
status, headers, _ = page.ask("GET", "/?token=" + page.token)
assert status == 303 and "Set-Cookie" not in headers
lines = [page.line() for _ in range(3)]
second = [l for l in lines if l.startswith("open ")]
assert len(second) == 1, lines
second = second[0].split("=")[1].strip()
assert second != page.token and token(second) == 303 and token(second) == 401
page.end()
P

page "without the cookie nothing is answered, whatever is asked for" <<'P'
for path in "/", "/api/run", "/api/slides", "/api/slides/0", "/tile/0/0/0/0", "/page/main.js", "/leaflet/leaflet.js", "/nothing", "/thumb/0":
    assert page.ask("GET", path, cookie=False)[0] == 401, path
good = page.cookie
for wrong in good[:-1], good + "0", good.upper(), good.split("=")[0] + "=", "x" + good, good.replace("wsiflow", "Wsiflow"):
    page.cookie = wrong
    assert page.ask("GET", "/api/run")[0] == 401, wrong
page.cookie = "a=b; " + good + "; c=d"
assert page.ask("GET", "/api/run")[0] == 200
page.end()
P

page "only our own names are served; absent and foreign ones are refused before the cookie counts" <<'P'
for host in page.host, f"localhost:{page.port}", f"LOCALHOST:{page.port}", f"[::1]:{page.port}":
    assert page.ask("GET", "/api/run", {"Host": host})[0] == 200, host
for host in ("evil.example", f"evil.example:{page.port}", "127.0.0.1", "localhost", f"127.0.0.1:{page.port + 1}", f"127.0.0.1:{page.port}.evil.example",
             f"localhost.:{page.port}", f"127.0.0.1:0{page.port}", f"user@127.0.0.1:{page.port}", f"127.1:{page.port}", f"0.0.0.0:{page.port}", f"127.0.0.2:{page.port}", ""):
    status, _, body = page.ask("GET", "/api/run", {"Host": host})
    assert status in (400, 403), (host, status)
ours = f"Cookie: {page.cookie}\r\n"
for head in (f"GET /api/run HTTP/1.1\r\n{ours}\r\n", f"GET /api/run HTTP/1.0\r\n{ours}\r\n",
             f"GET /api/run HTTP/1.1\r\nHost: {page.host}\r\nHost: {page.host}\r\n{ours}\r\n",
             f"GET /api/run HTTP/1.1\r\nHost: {page.host}\r\nHost: evil.example\r\n{ours}\r\n"):
    answer = page.raw(head.encode())
    assert re.match(rb"HTTP/1.[01] 40[03] ", answer), (head, answer[:200])
page.end()
P

page "other pages are refused: by Origin, and for changes also without the headers that only our page can send" <<'P'
own = {"Origin": page.origin, "X-Wsiflow": "1", "Content-Type": "application/json"}
for origin in "http://evil.example", "null", page.origin + "0", "https://" + page.host, page.origin + "/", "http://localhost:1":
    assert page.ask("GET", "/api/run", {"Origin": origin})[0] == 403, origin
    assert page.ask("PUT", "/api/run", {**own, "Origin": origin}, "{}")[0] == 403, origin
assert page.ask("GET", "/api/run", {"Origin": page.origin})[0] == 200
assert page.ask("PUT", "/api/run", own, "{}")[0] == 405
for method in "PUT", "POST", "DELETE":
    for missing, wanted in ("Origin", 403), ("X-Wsiflow", 403), ("Content-Type", 415):
        headers = {k: v for k, v in own.items() if k != missing}
        assert page.ask(method, "/api/slides/0/review", headers, "{}")[0] == wanted, (method, missing)
for kind in "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx":
    assert page.ask("POST", "/api/slides/0/drawn", {**own, "Content-Type": kind}, "{}")[0] == 415, kind
for method in "OPTIONS", "TRACE", "CONNECT", "PATCH", "get", "PROPFIND":
    assert page.ask(method, "/api/run", own)[0] in (400, 405, 501), method
page.end()
P

page "every answer has the headers that keep it to itself" <<'P'
for path, cookie in ("/", True), ("/", False), ("/api/run", True), ("/tile/0/0/0/0", True), ("/nothing", True), (f"/?token={page.token}", True):
    _, headers, _ = page.ask("GET", path, cookie=cookie)
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'", policy
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'", policy
    for name, value in (("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"), ("Cache-Control", "no-store"),
                        ("Cross-Origin-Opener-Policy", "same-origin"), ("Cross-Origin-Resource-Policy", "same-origin")):
        assert headers[name] == value, (path, name, headers[name])
    assert not [h for h in headers if h.lower().startswith("access-control")]
text = page.get("/").decode()
assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|https?://(?!www\.w3\.org)", text), "inline script or style, or something from elsewhere"
page.end()
P

page "a name of a slide that is markup arrives as text" <<'P'
slides = page.json("/api/slides")
bad = [s for s in slides if "img" in s["name"]]
assert len(slides) == 3 and len(bad) == 1 and "<" not in bad[0]["name"]
[path] = [f for f in os.listdir("cohort/slides") if f.startswith('"')]
os.rename("cohort/slides/" + path, "away")
body = page.get("/api/slides/%d" % bad[0]["id"])
os.rename("away", "cohort/slides/" + path)
assert b"<" not in body and b">" not in body, body
[problem] = [p for p in json.loads(body)["problems"] if "onerror" in p]
assert path in problem and "cannot be shown" in problem
page.end()
P

page "limits of line, headers, lines, body and query" <<'P'
head = f"Host: {page.host}\r\nCookie: {page.cookie}\r\n"
def status(text):
    answer = page.raw(text.encode())
    found = re.match(rb"HTTP/1.[01] (\d+) ", answer)
    return int(found[1]) if found else 0
assert status(f"GET /api/run HTTP/1.1\r\n{head}\r\n") == 200
assert status(f"GET /{'a' * 4000} HTTP/1.1\r\n{head}\r\n") == 404
for n in 4097, 20000, 200000:
    assert status(f"GET /{'a' * n} HTTP/1.1\r\n{head}\r\n") in (414, 431, 400, 0), n
assert status(f"GET /api/run HTTP/1.1\r\n{head}" + "".join(f"X-{i}: 1\r\n" for i in range(61)) + "\r\n") == 200
assert status(f"GET /api/run HTTP/1.1\r\n{head}" + "".join(f"X-{i}: 1\r\n" for i in range(63)) + "\r\n") == 431
assert status(f"GET /api/run HTTP/1.1\r\n{head}X: {'a' * 15000}\r\n\r\n") == 200
for n in 16400, 30000, 60000, 1000000:
    assert status(f"GET /api/run HTTP/1.1\r\n{head}X: {'a' * n}\r\n\r\n") in (431, 413, 400, 0), n
own = f"{head}Origin: {page.origin}\r\nX-Wsiflow: 1\r\nContent-Type: application/json\r\n"
url = "/api/run"
assert status(f"PUT {url} HTTP/1.1\r\n{own}Content-Length: 65536\r\n\r\n" + "a" * 65536) == 405
assert status(f"PUT {url} HTTP/1.1\r\n{own}Content-Length: 65537\r\n\r\n" + "a" * 65537) == 413
for length in "-1", "+5", "5,5", "0x5", "5 5", "", "99999999999999999999", "5\r\nContent-Length: 6", "5\r\nContent-Length: 5":
    assert status(f"PUT {url} HTTP/1.1\r\n{own}Content-Length: {length}\r\n\r\nhello") in (400, 413), length
assert status(f"PUT {url} HTTP/1.1\r\n{own}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n") == 400
assert status(f"PUT {url} HTTP/1.1\r\n{own}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n") == 400
assert status(f"PUT {url} HTTP/1.1\r\n{own}Content-Length: 5\r\nTransfer-Encoding: identity\r\n\r\nhello") == 400
assert status(f"GET /api/run HTTP/1.1\r\n{head}Content-Length: 5\r\n\r\nhello") == 400
for query in "?", "?a=b", "?token", "?token=a&token=b", "?token=a&x=1":
    assert status(f"GET /api/run{query} HTTP/1.1\r\n{head}\r\n") in ((200, 400) if query == "?" else (400,)), query
# A refused request ends its connection, so that its body cannot pass for a request.
answer = page.raw(f"PUT {url} HTTP/1.1\r\n{head}Content-Length: 60\r\n\r\nGET /api/slides HTTP/1.1\r\n{head}\r\n".encode())
assert answer.count(b"HTTP/1.1 ") == 1, answer
assert page.json("/api/run")["slides"] == 3
page.end()
P

page "numbers of slides and tiles are numbers in their range" <<'P'
slide = page.json("/api/slides/0")
most = slide["max_zoom"]
assert page.ask("GET", f"/tile/0/{most}/0/0")[0] == 200
wrong = ["/tile/3/0/0/0", f"/tile/0/{most + 1}/0/0", f"/tile/0/{most}/10/0", f"/tile/0/{most}/0/9", "/tile/0/0/1/0", "/tile/-1/0/0/0", "/tile/0/-1/0/0",
         "/tile/00/0/0/0", "/tile/0/01/0/0", "/tile/+0/0/0/0", "/tile/0/0/0", "/tile/0/0/0/0/", "/tile/0/0/0/0/0", "/tile//0/0/0", "/tile/0x0/0/0/0",
         "/tile/0/0/0/2147483647", "/tile/0/0/2147483648/0", "/tile/4294967296/0/0/0", "/tile/18446744073709551616/0/0/0", "/tile/0/63/0/0", "/tile/0/64/0/0",
         "/tile/1e0/0/0/0", "/tile/0/0/0/0.0", "/tile/%30/0/0/0", "/map/0/2/0/0/0", "/map/0/1/0/0/0", "/map/0/0/0/0/0", "/thumb/3", "/tile/2/0/0/0", "/thumb/2", "/thumb/0/1", "/api/slides/3", "/api/slides/2", "/api/slides/2/tissue",
         "/api/slides/0/nothing", "/api/slides/0/regions", "/api/slides/x", "/page/nothing.js", "/page/..", "/page/.", "/leaflet/leaflet.js.map", "/leaflet/"]
for path in wrong:
    status, headers, body = page.ask("GET", path)
    assert status == 404 and json.loads(body)["error"], (path, status, body)
assert page.ask("HEAD", "/tile/0/0/0/0")[2] == b""
page.end()
P

page "a slide that the run could not read says why, wherever it is asked for" <<'P'
[failed] = [s for s in page.json("/api/slides") if s["name"] == "truncated"]
assert failed["state"] == "failed" and failed["reason"].startswith("ingest: ") and "truncated.tif" in failed["reason"], failed
status, _, body = page.ask("GET", f"/api/slides/{failed['id']}")
assert status == 404 and failed["reason"].removeprefix("ingest: ") in json.loads(body)["error"], body
page.end()
P

page "a client that sends slowly or takes nothing is ended, and 64 of them do not stop the server for long" <<'P'
def connect():
    return socket.create_connection((page.name, page.port), timeout=30)
start = time.monotonic()
slow = connect()
ended = None
for c in b"GET /api/run HTTP/1.1\r\nX-Slow: " + b"a" * 100:
    try:
        slow.sendall(bytes([c]))
        slow.settimeout(.25)
        if slow.recv(100) == b"":
            ended = time.monotonic() - start
            break
    except socket.timeout:
        pass
    except OSError:
        ended = time.monotonic() - start
        break
assert ended and 8 < ended < 14, ended
idle = [connect() for _ in range(64)]
time.sleep(.5)
# All places are taken, so a further client waits; it is served when the idle ones have been ended.
start = time.monotonic()
page.connection = None
assert page.ask("GET", "/api/run")[0] == 200
assert time.monotonic() - start < 14
for s in idle:
    s.close()
page.end()
P

page "1,000 requests that try to leave the page or to break its parser: no escape, no crash, no 5xx" <<'P'
chance = random.Random(6)
secret = open("c.yaml", "rb").read()
ups = ["..", ".", "%2e%2e", "%2E.", ".%2e", "..%2f", "%2e%2e%2f", "%252e%252e%252f", "..%5c", "..\\", "%c0%ae%c0%ae", "%c0%af", "%e0%80%ae", "%uff0e", "..;", "....//", "..%00", "%00",
       "\x00", "\xff\xfe", "%", "%2", "%zz", "~root", "C:", "//", "/", "\\\\host\\share", "file:", "http:", "\t", " ", "*", "'", '"', "<script>", "$(id)", "`id`", "{{7*7}}", "%0d%0aX-A:b", ";", "a" * 300]
ends = ["etc/passwd", "c.yaml", "../c.yaml", "run/config.yaml", "wsiflow.db", "proc/self/environ", "proc/self/cmdline", "api/run", "main.js", "leaflet.js", "0/0/0/0", ""]
starts = ["/", "/page/", "/leaflet/", "/leaflet/images/", "/tile/0/", "/map/0/0/", "/thumb/", "/api/slides/0/", "/api/", "", "//", "http://127.0.0.1/", "http://evil.example/page/"]
methods = ["GET"] * 6 + ["HEAD", "PUT", "POST", "DELETE", "OPTIONS", "GET\t", "G\x00T", "", "GETGETGETGET" * 50]
versions = ["HTTP/1.1"] * 6 + ["HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/1.10", "http/1.1", "", "HTTP/1.1 x"]
own = f"Host: {page.host}\r\nCookie: {page.cookie}\r\nOrigin: {page.origin}\r\nX-Wsiflow: 1\r\nContent-Type: application/json\r\n"
extra = [""] * 5 + ["Content-Length: 5\r\n", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: \x0bchunked\r\n", "X: a\r\n b\r\n", " X: a\r\n", "X\x00Y: 1\r\n", "X : 1\r\n",
                    ": 1\r\n", "X\r\n", "Cookie: " + "a=b; " * 500 + "\r\n", "Range: bytes=0-1,2-\r\n", "Expect: 100-continue\r\n", "Connection: upgrade\r\nUpgrade: websocket\r\n", "Content-Length: 18446744073709551616\r\n", "\x00" * 20 + "\r\n"]
bodies = ["", "", "", "hello", "{}", "[" * 2000, '{"state":"done","note":"' + "x" * 500 + '"}', "0\r\n\r\nGET /api/run HTTP/1.1\r\n\r\n"]
counts = {}
for n in range(1000):
    path = chance.choice(starts) + chance.choice(["", "/"]).join(chance.choice(ups) for _ in range(chance.randrange(5))) + chance.choice(["", "/"]) + chance.choice(ends)
    line = " ".join([chance.choice(methods), path, chance.choice(versions)])
    if n % 10 == 9:  # no request at all
        data = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 3000)))
    else:
        data = (line + chance.choice(["\r\n"] * 8 + ["\n", "\r"]) + chance.choice([own] * 8 + [""]) + chance.choice(extra) + "\r\n" + chance.choice(bodies)).encode("latin-1")
    answer = page.raw(data)
    status = re.findall(rb"^HTTP/1\.[01] (\d+) ", answer) or [b"0"]
    counts[status[0]] = counts.get(status[0], 0) + 1
    assert status[0] in (b"0", b"501", b"505") or status[0] < b"500", (data[:300], answer[:300])
    assert secret not in answer and b"root:" not in answer and b"SQLite format" not in answer and b"PATH=" not in answer, data
    if status[0] == b"200":
        assert re.search(rb"^(GET|HEAD|PUT|POST|DELETE) (http://127\.0\.0\.1)?/(api/|page/|leaflet/|tile/|map/|thumb/| )", data), data[:200]
assert page.process.poll() is None
print(counts)
assert page.json("/api/run")["slides"] == 3
page.end()
P

page "300 changes with bodies of any kind, several at a time: refused or done, no crash, no 5xx" <<'P'
import concurrent.futures
uuid = "11111111-1111-5111-8111-111111111111"
targets = [("PUT", "/api/slides/0/review"), ("PUT", f"/api/slides/0/regions/{uuid}"), ("PUT", "/api/slides/1/regions/x"), ("POST", "/api/slides/0/drawn"), ("DELETE", "/api/slides/0/drawn/1"),
           ("DELETE", "/api/slides/1/drawn/2147483647"), ("PUT", "/api/slides/7/review")]
values = ["", "x", "done", "open", "rejected", "pen", "<b>", "\0", "é" * 3000, None, True, 0, -1, 1e308, -1e308, 2 ** 63, [], {}, [[]], [[0, 0]], [[0, 0], [1, 1], [2, 0]], [[0, 0], [1e9, 1e9], [-5, 3]], [["a", "b"]] * 3, [[0, 0]] * 6000]
names = ["state", "note", "reason", "ring", "label", "revision", "other"]
def body(chance, path):
    kind = chance.randrange(10)
    if kind == 0:
        return chance.choice(["", "{", "null", "[]", "0", '"', "{}", '{"state":"done","state":"open"}', "[" * 30000, '{"a":' * 5000, "\xff\xfe{}", '{"note":"\\ud800"}', '{"revision":1e999}']).encode("latin-1")
    if kind < 4:  # what the page sends
        return json.dumps({"ring": [[0, 0], [500, 0], [0, chance.randrange(500)]], "label": "lesion"} if path.endswith("drawn")
                          else {"state": chance.choice(["done", "open", "x"]), "note": "note %d" % chance.randrange(99), "revision": chance.randrange(60)}).encode()
    return json.dumps({n: chance.choice(values) for n in chance.sample(names, chance.randrange(6))}).encode()[:65536]
own = {"Origin": page.origin, "X-Wsiflow": "1", "Content-Type": "application/json"}
def send(seed):
    chance = random.Random(seed)
    other = object.__new__(view_client.Page)
    other.__dict__.update(page.__dict__, connection=None)
    out = []
    for _ in range(75):
        method, path = chance.choice(targets)
        status, _, answer = other.ask(method, path, own, body(chance, path))
        assert status < 500, (method, path, status, answer[:300])
        out.append(status)
        json.loads(answer)
    return out
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    counts = sum(pool.map(send, range(4)), [])
assert counts.count(200) > 0 and counts.count(400) > 50, {c: counts.count(c) for c in set(counts)}
assert page.json("/api/slides/0/review")["state"] in ("open", "in progress", "done", "excluded")
page.end()
P

page "the program ends at once and well, also with requests in work" <<'P'
sockets = [socket.create_connection((page.name, page.port)) for _ in range(20)]
for i, s in enumerate(sockets):
    s.sendall(f"GET /tile/{i % 2}/3/{i % 9}/1 HTTP/1.1\r\nHost: {page.host}\r\nCookie: {page.cookie}\r\n\r\n".encode())
start = time.monotonic()
page.end()
assert time.monotonic() - start < 5
P

page "the server has given up its rights, where the kernel has Landlock" <<'P'
page.end()
with open("log", "w") as log:
    page = view_client.Page("run", log=log).enter()
confined = "NoNewPrivs:\t1" in open(f"/proc/{page.process.pid}/status").read()
assert confined != ("no Landlock" in open("log").read())
page.end()
P

# ---- the command
"$WSIFLOW" view nowhere >out 2>&1
is "no run: exit code" $? 1
like "no run: the reason" "$(cat out)" 'nowhere is not a run folder'
"$WSIFLOW" view run --leaflet "$tmp" >out 2>&1
is "no Leaflet: exit code" $? 1
like "no Leaflet: the package" "$(cat out)" 'leaflet.js is missing: install the package libjs-leaflet'
"$WSIFLOW" view >out 2>&1
is "no argument: exit code" $? 2
"$WSIFLOW" view run --port 70000 >out 2>&1
is "no port: exit code" $? 2
for all in 0.0.0.0 0 ::0 ::ffff:0.0.0.0; do
    "$WSIFLOW" view run --listen $all --behind-proxy slides.example >out 2>&1
    like "all addresses at once are refused: $all" "$(cat out)" 'name the one address'
done
"$WSIFLOW" view run --listen localhost >out 2>&1
like "a name is no address" "$(cat out)" 'localhost is not a numeric address'
"$WSIFLOW" view run --listen 192.0.2.1 >out 2>&1
like "an address that others reach needs a proxy" "$(cat out)" 'unencrypted.*ssh -L .*--behind-proxy NAME'
"$WSIFLOW" view run --listen 192.0.2.1 --behind-proxy slides.example >out 2>&1
like "an address of others is refused" "$(cat out)" 'cannot listen on 192.0.2.1'
page "behind a proxy only its name is served, and its https page may write" <<'P'
server = subprocess.Popen([os.environ["WSIFLOW"], "view", "run", "--behind-proxy", "slides.example"], stdout=subprocess.PIPE, text=True)
try:
    address, told = server.stdout.readline(), server.stdout.readline()
    token = re.fullmatch(r"open https://slides\.example(/\?token=[0-9a-f]{64})\n", address)[1]
    port = int(re.match(r"the proxy reaches it at 127\.0\.0\.1 port (\d+); it must pass the Host header on", told)[1])
    def ask(method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request(method, path, body, headers)
        reply = connection.getresponse()
        reply.read()
        connection.close()
        return reply
    assert ask("GET", token).status == 403
    cookie = ask("GET", token, Host="slides.example").getheader("Set-Cookie")
    assert cookie.endswith("; Secure"), cookie
    mine = {"Host": "slides.example", "Cookie": cookie.split(";")[0], "Content-Type": "application/json", "X-Wsiflow": "1"}
    slide = "/api/slides/0/review"
    assert ask("GET", slide, **mine).status == 200
    assert ask("PUT", slide, "{}", **mine, Origin="http://slides.example").status == 403
    assert ask("PUT", slide, "{}", **mine, Origin="https://slides.example").status == 400  # let in, and then misunderstood
finally:
    server.terminate()
    server.wait()
P
page "a port in use is an error when it was asked for, else the next one is taken" <<'P'
done = subprocess.run([os.environ["WSIFLOW"], "view", "run", "--port", str(page.port)], capture_output=True, text=True)
assert done.returncode == 1 and "another program uses this port" in done.stderr, done
other = view_client.Page("run").enter()
assert other.port != page.port and other.json("/api/run")["slides"] == 3
# The cookie of one server is worth nothing at the other.
other.cookie = page.cookie
assert other.ask("GET", "/api/run")[0] == 401
other.end()
text = page.end()
assert f"ssh -L {page.port}:127.0.0.1:{page.port} " in text, text
P
finish
