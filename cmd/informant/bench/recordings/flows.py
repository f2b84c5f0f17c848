# Writes the HTTP exchanges of standard input (lines of JSON, bytes in base64) as a
# flow file of mitmproxy, with mitmproxy's own writer.
import base64, json, sys
from mitmproxy import http, io
from mitmproxy.test import tflow

def message(kind, m):
    head, body = base64.b64decode(m["head"]), base64.b64decode(m["body"])
    lines = head.split(b"\r\n")
    fields = [tuple(x.strip() for x in l.split(b":", 1)) for l in lines[1:] if b":" in l]
    start = lines[0].split(b" ", 2) + [b"", b""]
    common = dict(headers=http.Headers(fields), content=body, trailers=None, timestamp_start=m["first"], timestamp_end=m["last"])
    if kind == "request":
        return http.Request(host=m["host"], port=m["port"], method=start[0], scheme=b"http", authority=b"",
                            path=start[1], http_version=start[2] or b"HTTP/1.1", **common)
    return http.Response(http_version=start[0], status_code=int(start[1] or 0), reason=start[2], **common)

with open(sys.argv[1], "wb") as out:
    w = io.FlowWriter(out)
    for line in sys.stdin:
        x = json.loads(line)
        f = tflow.tflow(req=message("request", x["request"]), resp=message("response", x["response"]) if "response" in x else False)
        f.client_conn.peername = tuple(x["client"])
        f.server_conn.address = f.server_conn.peername = tuple(x["server"])
        w.add(f)
