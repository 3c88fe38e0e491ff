import pytest

from models.replacement import replacing, replacing_folder


def test_a_file_is_replaced_when_it_is_written_and_nothing_stays_beside_it(tmp_path):
    path = tmp_path / "told.json"
    path.write_text("old")
    with replacing(path) as aside:
        aside.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("begun", [True, False])
def test_a_file_stays_as_it_was_where_writing_fails(tmp_path, begun):
    path = tmp_path / "told.json"
    path.write_text("old")
    with pytest.raises(OSError, match="full"), replacing(path) as aside:  # noqa: PT012 - the body is what fails
        if begun:
            aside.write_text("half")
        raise OSError("the disk is full")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_was_never_written_replaces_nothing(tmp_path):
    path = tmp_path / "told.json"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), replacing(path):
        pass
    assert path.read_text() == "old"


def test_a_folder_is_replaced_as_a_whole_and_what_a_killed_run_left_is_not_in_it(tmp_path):
    path, left = tmp_path / "adapter", tmp_path / "adapter.tmp"
    for folder in (path, left):
        folder.mkdir()
        (folder / "stale").touch()
    with replacing_folder(path) as aside:
        (aside / "fresh").touch()
        assert (path / "stale").exists()
    assert [file.name for file in path.iterdir()] == ["fresh"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_stays_as_it_was_where_filling_another_fails(tmp_path):
    path = tmp_path / "adapter"
    path.mkdir()
    (path / "kept").touch()
    with pytest.raises(KeyboardInterrupt), replacing_folder(path) as aside:  # noqa: PT012 - the body is what fails
        (aside / "half").touch()
        raise KeyboardInterrupt
    assert [file.name for file in path.iterdir()] == ["kept"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_comes_back_that_a_killed_run_had_moved_out_of_the_way(tmp_path):
    path, old = tmp_path / "adapter", tmp_path / "adapter.old"
    old.mkdir()
    (old / "kept").touch()
    with pytest.raises(OSError, match="full"), replacing_folder(path):
        raise OSError("the disk is full")
    assert (path / "kept").exists()
    assert list(tmp_path.iterdir()) == [path]
