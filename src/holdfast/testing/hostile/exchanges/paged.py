"""What pages do: frames, downloads, boxes, pop-ups, endless scrolling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.testing.hostile.situation import situation

if TYPE_CHECKING:
    from holdfast.testing.hostile.situation import Answer, Ask

_HTML = (b"Content-Type", b"text/html; charset=utf-8")
_PLAIN = (b"Content-Type", b"text/plain")


@situation(
    "frames",
    "A frame in a frame, of another host",
    html='<iframe src="/frames/outer"></iframe>',
)
def frames(ask: Ask, answer: Answer) -> None:
    if ask.path.endswith("/outer"):
        inner = f"https://other.test:{ask.ports['tls']}/frames/inner"
        answer.send(200, [_HTML], f'<!doctype html><iframe src="{inner}"></iframe>\n'.encode())
    else:
        answer.send(200, [_HTML], "<!doctype html><p>drinnen, naïve</p>\n".encode())


@situation(
    "download",
    "A download",
    script="await Promise.race([frame('/download'), wait(500)]); return 'offered'",
)
def download(_ask: Ask, answer: Answer) -> None:
    name = b"attachment; filename=\"report.exe\"; filename*=UTF-8''r%C3%A9port.exe"
    kind = (b"Content-Type", b"application/octet-stream")
    answer.send(200, [kind, (b"Content-Disposition", name)], b"MZ" + bytes(range(256)) * 40)


@situation(
    "alert",
    "Boxes that stop the page",
    script="late(() => { alert('Pay now!'); confirm('Sure?'); prompt('Your PIN?'); })",
)
def alert(_ask: Ask, answer: Answer) -> None:
    answer.send(200, [_PLAIN], b"nothing here\n")


@situation(
    "pop-up",
    "A pop-up, which a browser may refuse",
    script="late(() => { window.open('/pop-up', '_blank', 'width=200,height=200'); })",
)
def pop_up(_ask: Ask, answer: Answer) -> None:
    answer.send(200, [_HTML], b"<!doctype html><p>popped up</p>\n")


@situation(
    "endless",
    "A page that loads more when somebody scrolls",
    html="""
      <div style="height: 3000px">scroll down</div><div id="endless-list"></div>
      <p id="endless-edge">more below</p>
      <script>
        let endless = 0;
        new IntersectionObserver(async (seen) => {
          if (!seen.some((one) => one.isIntersecting) || endless >= 5) return;
          endless += 1;
          const text = await fetch('/endless/' + endless).then((response) => response.text());
          const made = document.createElement('div');
          made.style.height = '1200px';
          made.textContent = text;
          document.getElementById('endless-list').append(made);
        }).observe(document.getElementById('endless-edge'));
      </script>
      <img alt="" loading="lazy" src="/endless/lazy.gif" width="10" height="10">""",
)
def endless(ask: Ask, answer: Answer) -> None:
    answer.send(200, [_PLAIN], b"batch " + ask.path.rpartition("/")[2].encode() + b"\n")


@situation(
    "sub-resources",
    "Style, font, script and preload of one page",
    html="""
      <link rel="preload" href="/sub-resources/preloaded.js" as="script">
      <link rel="stylesheet" href="/sub-resources/style.css">
      <script src="/sub-resources/module.js" type="module"></script>
      <p style="font-family: Sub">text in a font</p>
      <picture><source srcset="/sub-resources/2x.gif 2x, /sub-resources/1x.gif 1x">
        <img alt="" src="/sub-resources/old.gif"></picture>
      <video src="/sub-resources/film.mp4" preload="metadata"></video>""",
)
def sub_resources(ask: Ask, answer: Answer) -> None:
    name = ask.path.rpartition("/")[2]
    if name.endswith(".css"):
        css = b"@font-face { font-family: Sub; src: url('/sub-resources/font.woff2'); }\n"
        answer.send(200, [(b"Content-Type", b"text/css")], css)
    elif name.endswith(".js"):
        answer.send(200, [(b"Content-Type", b"text/javascript")], b"/* a script */\n")
    else:
        answer.send(404, [_PLAIN], b"none\n")


@situation(
    "form",
    "A form that sends itself, and one that asks for a password",
    html="""
      <form action="{OTHER}/form/phish" method="post">
        <input name="user"><input name="password" type="password"></form>
      <iframe name="form-target"></iframe>
      <form id="form-self" action="/form/sent" method="post" target="form-target">
        <input type="hidden" name="t" value="ä b"></form>
      <script>document.getElementById('form-self').submit();</script>""",
)
def form(_ask: Ask, answer: Answer) -> None:
    answer.send(200, [_HTML], b"<!doctype html><p>thank you</p>\n")


@situation(
    "refresh",
    "A page that moves on by itself",
    html='<iframe src="/refresh/first"></iframe>',
)
def refresh(ask: Ask, answer: Answer) -> None:
    if ask.path.endswith("/first"):
        answer.send(200, [_HTML, (b"Refresh", b"0; url=/refresh/second")], b"<!doctype html>1\n")
    else:
        answer.send(200, [_HTML], b"<!doctype html>2\n")
