"""A local page that tunes a style by eye.

`serving` runs it, `pages` answers the browser, `designs` checks what the page asks for, `drawing` draws it, and
`static` is the page.
"""
