# SPDX-License-Identifier: Apache-2.0
"""JSON web tokens for brokers that take OAUTHBEARER: their issuer, and a server that returns them."""

import base64
import json
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def _base64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """Signs tokens with a key of its own; `jwks` is the file in which a broker finds that."""

    audience = "arrakis-test"

    def __init__(self):
        self._directory = tempfile.TemporaryDirectory(prefix="arrakis-tokens-")
        self._key = Path(self._directory.name) / "key.pem"
        self.jwks = Path(self._directory.name) / "jwks.json"
        self._openssl("genrsa", "-out", self._key, "2048")
        modulus = self._openssl("rsa", "-in", self._key, "-noout", "-modulus").split(b"=")[1].strip()
        self.jwks.write_text(json.dumps({"keys": [{
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": "a test's",
            "n": _base64(bytes.fromhex(modulus.decode())), "e": _base64(b"\x01\x00\x01"),
        }]}))  # fmt: skip

    @staticmethod
    def _openssl(*arguments, data=None):
        return subprocess.run(["openssl", *map(str, arguments)], input=data, check=True,
                              capture_output=True).stdout  # fmt: skip

    def token(self, subject, lifetime_s=3600):
        now = time.time()
        parts = ({"alg": "RS256", "typ": "JWT", "kid": "a test's"},
                 {"sub": subject, "aud": self.audience, "iat": int(now) - 1,
                  "exp": int(now + lifetime_s)})  # fmt: skip
        text = ".".join(_base64(json.dumps(part).encode()) for part in parts)
        signature = self._openssl("dgst", "-sha256", "-sign", self._key, data=text.encode())
        return f"{text}.{_base64(signature)}"


class TokenServer:
    """An OIDC token endpoint at `url`. `lifetime_s`: of its tokens; `refuses`: it returns none;
    `served`: how many it has handed out."""

    def __init__(self, issuer, lifetime_s=3600):
        self.lifetime_s, self.served, self.refuses = lifetime_s, 0, False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                name = base64.b64decode(self.headers["Authorization"].split()[1]).decode().split(":")[0]
                answer = {"error": "invalid_client", "error_description": "it is refused"}
                if not outer.refuses:
                    answer = {"access_token": issuer.token(name, outer.lifetime_s),
                              "token_type": "Bearer", "expires_in": outer.lifetime_s}  # fmt: skip
                    outer.served += 1
                text = json.dumps(answer).encode()
                self.send_response(401 if outer.refuses else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/token"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
