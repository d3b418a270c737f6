"""CSV files as people hand them in: UTF-8 with or without a mark, or GB 18030 as Chinese spreadsheets write it."""


class UnusableFile(Exception):
    """The file is not the table that was asked for; the message says what to change."""


def text_of(content: bytes) -> str:
    """Raises UnusableFile when the bytes are text in neither encoding."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnusableFile("文件编码无法识别，请存为 UTF-8 / unknown encoding: save the file as UTF-8")
