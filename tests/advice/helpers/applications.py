"""The same small application for gunicorn (`wsgi`) and uvicorn (`asgi`)."""


def wsgi(_, start_response):
    start_response("200 OK", [("Content-Length", "10")])
    return [b"the holder"]


async def asgi(scope, _, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
        await send({"type": "http.response.body", "body": b"the holder"})
