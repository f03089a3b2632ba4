"""Who others say that somebody is: a server over TLS that plays a JSON web key set, an OpenID provider, a Kubernetes API
server and AWS' STS, well and badly; and issuers of JSON web tokens, whose keys openssl makes."""
import base64
import http.server
import json
import pathlib
import ssl
import subprocess
import threading
import time
import urllib.parse


def openssl(*arguments: str, data: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True, timeout=60).stdout


def base64_url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Issuer:
    """An RSA key with a name, and tokens that it signs."""

    def __init__(self, folder: pathlib.Path, name: str):
        self.name, self.key = name, str(folder / f"{name}.pem")
        openssl("genrsa", "-out", self.key, "2048")

    def public_pem(self) -> str:
        return openssl("rsa", "-in", self.key, "-pubout").decode()

    def jwk(self) -> dict:
        modulus = openssl("rsa", "-in", self.key, "-noout", "-modulus").decode().strip().removeprefix("Modulus=")
        return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.name, "n": base64_url(bytes.fromhex(modulus)),
                "e": "AQAB"}

    def token(self, **claims) -> str:
        now = int(time.time())
        header = {"alg": "RS256", "typ": "JWT", "kid": self.name}
        claims = {"iat": now - 5, "nbf": now - 5, "exp": now + 300} | claims
        text = ".".join(base64_url(json.dumps(part).encode()) for part in (header, claims))
        return f"{text}.{base64_url(openssl('dgst', '-sha256', '-sign', self.key, data=text.encode()))}"


class IdentityServer:
    """Listens on a free port of 127.0.0.1; over TLS with a certificate that signs itself."""

    def __init__(self, folder: pathlib.Path, secure: bool = True):
        self.keys: list[dict] = []                    # of /jwks
        self.accounts: dict[str, tuple[str, dict]] = {}  # bearer: (user name, annotations), of Kubernetes
        self.principals: dict[str, tuple[str, str]] = {}  # Authorization header: (ARN, user id), of AWS
        self.elsewhere = ""                           # where /redirect leads
        self.asked: list[tuple[str, str]] = []        # host header, path
        self.own_token = "Bearer e30.e30.e30"         # that Kubernetes knows its reviewer by
        self.ca = ""
        served = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def handle_one(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                served.asked.append((self.headers["Host"], self.path))
                try:
                    served.answer(self, self.path.partition("?")[0], body)
                except OSError:
                    pass  # whoever asked has had enough

            do_GET = do_POST = handle_one

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # whoever does not like the certificate hangs up

        self.server = Server(("127.0.0.1", 0), Handler)
        if secure:
            certificate, key = str(folder / "identity.crt"), str(folder / "identity.key")
            openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2",
                    "-subj", "/CN=identity", "-addext", "subjectAltName=IP:127.0.0.1")
            self.ca = pathlib.Path(certificate).read_text()
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"{'https' if secure else 'http'}://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request, path: str, body: bytes) -> None:
        def send(status: int, what, kind: str = "application/json", headers: dict | None = None) -> None:
            data = what if isinstance(what, bytes) else json.dumps(what).encode()
            request.send_response(status)
            for name, value in ({"Content-Type": kind, "Content-Length": str(len(data))} | (headers or {})).items():
                request.send_header(name, value)
            request.end_headers()
            request.wfile.write(data)

        if path == "/jwks":
            return send(200, {"keys": self.keys})
        if path == "/slow":
            time.sleep(20)
            return send(200, {"keys": self.keys})
        if path == "/huge":
            return send(200, {"keys": self.keys, "padding": "x" * (4 << 20)})
        if path == "/moved":
            return send(302, b"", headers={"Location": "/jwks"})
        if path == "/redirect":
            return send(302, b"", headers={"Location": self.elsewhere})
        if path == "/circle":
            return send(302, b"", headers={"Location": "/circle"})
        if path.endswith("/.well-known/openid-configuration"):
            return send(200, {"issuer": self.url + path.removesuffix("/.well-known/openid-configuration"),
                              "jwks_uri": f"{self.url}/jwks", "id_token_signing_alg_values_supported": ["RS256"]})
        if path == "/sts/":
            return self.answer_sts(request, send, urllib.parse.parse_qs(body.decode()))
        if request.headers["Authorization"] != self.own_token:
            return send(401, {"kind": "Status", "message": "Unauthorized", "code": 401})
        if path == "/apis/authentication.k8s.io/v1/tokenreviews" and request.command == "POST":
            bearer = json.loads(body)["spec"]["token"]
            if bearer not in self.accounts:
                return send(201, {"kind": "TokenReview", "status": {"authenticated": False, "user": {}}})
            user = {"username": self.accounts[bearer][0], "uid": "u-1"}
            return send(201, {"kind": "TokenReview", "status": {"authenticated": True, "user": user}})
        for name, annotations in self.accounts.values():
            _, _, space, account = (name + ":::").split(":")[:4]
            if path == f"/api/v1/namespaces/{space}/serviceaccounts/{account}":
                return send(200, {"kind": "ServiceAccount", "metadata": {"name": account, "annotations": annotations}})
        return send(404, {"kind": "Status", "message": "not found", "code": 404})

    def answer_sts(self, request, send, form: dict) -> None:
        known = self.principals.get(request.headers["Authorization"])
        if form.get("Action") != ["GetCallerIdentity"] or known is None:
            return send(403, b"<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code></Error></ErrorResponse>", "text/xml")
        arn, user = known
        send(200, (f'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
                   f"<Arn>{arn}</Arn><UserId>{user}</UserId><Account>123456789012</Account></GetCallerIdentityResult>"
                   f"</GetCallerIdentityResponse>").encode(), "text/xml")
