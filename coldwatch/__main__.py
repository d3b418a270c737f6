"""`coldwatch` and `python -m coldwatch`: the command line. A setting that makes no sense ends any command with 2."""

import sys

from pydantic import ValidationError
from pydantic_settings import SettingsError

from coldwatch.cli import app
from schemas.secret_files import BadSetting, variable_of

EXIT_BAD_SETTING = 2


def main() -> None:
    try:
        app()
    except (BadSetting, SettingsError) as error:
        sentence = str(error)
    except ValidationError as error:
        sentence = "\n".join(in_words(error))
    print(sentence, file=sys.stderr)
    sys.exit(EXIT_BAD_SETTING)


def in_words(error: ValidationError) -> list[str]:
    """One line per wrong setting: its variable and what it should be; never its value, which may be a secret."""
    return [
        f"设置有误 · bad setting {variable_of(tuple(map(str, one['loc'])))}: {one['msg']}"
        for one in error.errors(include_input=False, include_url=False)
    ]


if __name__ == "__main__":
    main()
