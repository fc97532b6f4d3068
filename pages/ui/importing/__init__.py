"""The wizard of imports.

`draft` is what is being prepared, `matching` its columns, `ruling` its conflicts and tags, `trial` the dry run,
`mending` what that refuses, `reporting` what became of imports.
"""
