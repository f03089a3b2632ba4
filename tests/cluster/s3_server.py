"""A small S3 in memory: objects of one bucket, uploads in parts, listings in pages. It checks every signature (AWS
Signature Version 4) and every payload's hash by itself."""
import hashlib
import hmac
import http.server
import threading
import urllib.parse
from xml.sax.saxutils import escape

PAGE = 3  # names in one answer of a listing


class S3:
    def __init__(self, bucket: str, key_id: str, secret: str, region: str):
        self.bucket, self.key_id, self.secret, self.region = bucket, key_id, secret, region
        self.objects: dict[str, bytes] = {}
        self.headers: dict[str, dict[str, str]] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.requests: list[tuple[str, str]] = []
        self.faults: list[str] = []  # what a client did wrong
        self.fail = 0                # so many requests are answered with an error first
        self.fail_part: int | None = None
        store = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def handle_one(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                store.answer(self, body)

            do_GET = do_PUT = do_POST = do_DELETE = handle_one

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def signature(self, request, path: str, query: list[tuple[str, str]], payload: str, names: list[str]) -> str:
        quote = lambda text: urllib.parse.quote(text, safe="-_.~")
        pairs = "&".join(f"{key}={value}" for key, value in sorted((quote(key), quote(value)) for key, value in query))
        headers = "".join(f"{name}:{' '.join(request.headers[name].split())}\n" for name in names)
        canonical = "\n".join([request.command, path, pairs, headers, ";".join(names), payload])
        stamp = request.headers["x-amz-date"]
        scope = f"{stamp[:8]}/{self.region}/s3/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = ("AWS4" + self.secret).encode()
        for part in (stamp[:8], self.region, "s3", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    def check(self, request, path: str, query: list[tuple[str, str]], body: bytes) -> str | None:
        """An error code, or nothing."""
        payload = request.headers.get("x-amz-content-sha256", "")
        if hashlib.sha256(body).hexdigest() != payload:
            return "XAmzContentSHA256Mismatch"
        fields = dict(part.strip().split("=", 1)
                      for part in request.headers["Authorization"].removeprefix("AWS4-HMAC-SHA256 ").split(","))
        if fields["Credential"].split("/")[0] != self.key_id:
            return "InvalidAccessKeyId"
        names = fields["SignedHeaders"].split(";")
        unsigned = [name.lower() for name in request.headers if name.lower().startswith("x-amz-")]
        if "host" not in names or set(unsigned) - set(names):
            return "AccessDenied"
        if fields["Signature"] != self.signature(request, path, query, payload, names):
            return "SignatureDoesNotMatch"
        return None

    def answer(self, request, body: bytes) -> None:
        path, _, rest = request.path.partition("?")
        query = urllib.parse.parse_qsl(rest, keep_blank_values=True)
        asked = dict(query)
        self.requests.append((request.command, request.path))
        error = self.check(request, path, query, body)
        if error:
            self.faults.append(f"{error}: {request.command} {request.path}")
            return self.refuse(request, 403, error)
        if self.fail > 0:
            self.fail -= 1
            return self.refuse(request, 503, "SlowDown")
        if not path.startswith(f"/{self.bucket}/"):
            return self.refuse(request, 404, "NoSuchBucket")
        key = urllib.parse.unquote(path.removeprefix(f"/{self.bucket}/"))
        if request.command == "GET" and not key:
            return self.list(request, asked)
        if request.command == "POST" and "uploads" in asked:
            upload = f"upload&{len(self.uploads)}"
            self.uploads[upload] = {}
            return self.reply(request, f"<R><UploadId>{escape(upload)}</UploadId></R>")
        if request.command == "PUT" and "partNumber" in asked:
            number = int(asked["partNumber"])
            if number == self.fail_part:
                return self.refuse(request, 500, "InternalError")
            self.uploads[asked["uploadId"]][number] = body
            return self.reply(request, "", {"ETag": f'"{hashlib.md5(body).hexdigest()}"'})
        if request.command == "POST" and "uploadId" in asked:
            parts = self.uploads.pop(asked["uploadId"])
            tags = "".join(f"<Part><PartNumber>{number}</PartNumber><ETag>&quot;{hashlib.md5(part).hexdigest()}&quot;"
                           f"</ETag></Part>" for number, part in sorted(parts.items()))
            if body.decode().replace('"', "&quot;") != f"<CompleteMultipartUpload>{tags}</CompleteMultipartUpload>":
                return self.refuse(request, 400, "InvalidPart")
            self.objects[key] = b"".join(part for _, part in sorted(parts.items()))
            return self.reply(request, f"<R><Key>{escape(key)}</Key></R>")
        if request.command == "DELETE" and "uploadId" in asked:
            self.uploads.pop(asked["uploadId"], None)
            return self.reply(request, "", status=204)
        if request.command == "PUT":
            self.objects[key] = body
            self.headers[key] = {name.lower(): value for name, value in request.headers.items()}
            return self.reply(request, "")
        if request.command == "DELETE":
            self.objects.pop(key, None)
            return self.reply(request, "", status=204)
        return self.refuse(request, 405, "MethodNotAllowed")

    def list(self, request, asked: dict[str, str]) -> None:
        keys = sorted(key for key in self.objects if key.startswith(asked["prefix"]))
        start = int(asked.get("continuation-token", "0"))
        more = f"<NextContinuationToken>{start + PAGE}</NextContinuationToken>" if len(keys) > start + PAGE else ""
        found = "".join(f"<Contents><Key>{escape(key)}</Key></Contents>" for key in keys[start:start + PAGE])
        self.reply(request, f"<ListBucketResult>{more}{found}</ListBucketResult>")

    def refuse(self, request, status: int, code: str) -> None:
        self.reply(request, f"<Error><Code>{code}</Code><Message>Said by the test.</Message></Error>", status=status)

    def reply(self, request, text: str, headers: dict[str, str] | None = None, status: int = 200) -> None:
        body = text.encode()
        request.send_response(status)
        for name, value in (headers or {}).items():
            request.send_header(name, value)
        if status != 204:
            request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)
