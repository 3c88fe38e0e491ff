import pytest

from models.script import UNKNOWN, language


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("how do I do this?", "Latin letters"),
        ("请问 Ubuntu 22.04 怎么安装显卡驱动", "Chinese"),
        ("このパッケージをどうやってインストールしますか", "Japanese"),
        ("어떻게 설치합니까", "Korean"),
        ("как это установить", "Cyrillic letters"),
        ("እንዴት", "Ethiopic letters"),
        ("??? 123 :-)", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_the_script_tells_the_language_as_far_as_it_can(text: str, told: str) -> None:
    assert language(text) == told
