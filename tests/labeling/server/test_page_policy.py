from labeling.server.page_policy import PagePolicy, policy_for

PAGE = "<script>one()</script><script src='x.js'></script><script>go('@@baseUrl@@/a')</script>"


def test_only_the_pages_own_scripts_may_run_and_nothing_comes_from_elsewhere() -> None:
    rules = dict(rule.split(" ", 1) for rule in policy_for([PAGE, PAGE]).split("; "))
    assert rules["default-src"] == "'self'"
    assert rules["script-src"].split()[0] == "'self'"
    assert len(rules["script-src"].split()) == 3
    assert "unsafe" not in rules["script-src"]
    assert policy_for([PAGE.replace("@@baseUrl@@", "")]) == policy_for([PAGE])  # as the browser gets it


async def test_every_answer_carries_the_policy() -> None:
    sent = []

    async def app(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
        await send({"type": "http.response.body", "body": b""})

    async def send(message) -> None:
        sent.append(message)

    async def receive() -> None:
        raise AssertionError("nothing is read")

    await PagePolicy(app, "default-src 'self'")({"type": "http"}, receive, send)
    headers = dict(sent[0]["headers"])
    assert headers[b"content-security-policy"] == b"default-src 'self'"
    assert headers[b"referrer-policy"] == b"no-referrer"
    assert headers[b"a"] == b"b"
