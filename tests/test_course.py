"""The launcher, without installing anything: what it checks, what it would run, and when it would install."""

import ast
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import course

GOOD = course.Machine((3, 12), "linux-x86_64", 64, False)


class Calls(list):
    """Stands in for subprocess.call: remembers the commands, and answers with the exit codes given."""

    def __init__(self, **codes):
        super().__init__()
        self.codes = codes

    def __call__(self, command, **_):
        self.append(command)
        return next((code for word, code in self.codes.items() if word in command), 0)

    def count_of(self, word):
        return sum(word in command for command in self)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder for the launcher to work on, its name with a space in it."""
    root = tmp_path / "taming depth"
    root.mkdir()
    (root / "site").mkdir()
    (root / "requirements.txt").write_text("numpy==2.4.6\n")
    (root / "site/requirements.txt").write_text("sphinx==9.0.4\n")
    monkeypatch.setattr(course, "COURSE", at(root, course.COURSE))
    monkeypatch.setattr(course, "SITE", at(root, course.SITE))
    monkeypatch.setattr(course, "STATE", root / ".jupyter-state")
    monkeypatch.setattr(course, "ROOT", root)
    return root


def at(root, venv):
    """Return an environment with its folder and its requirements moved to another root."""
    folder, requirements = (root / path.relative_to(course.ROOT) for path in venv[:2])
    return venv._replace(folder=folder, requirements=requirements)


@pytest.fixture
def calls(place, monkeypatch):
    """Replace subprocess.call by one that makes an empty environment and installs nothing."""
    calls = Calls()

    def call(command, **options):
        if "venv" in command:
            venv = next(one for one in (course.COURSE, course.SITE) if str(one.folder) == command[-1])
            course.python_of(venv).parent.mkdir(parents=True, exist_ok=True)
            course.python_of(venv).touch()
            course.pointer(venv).parent.mkdir(parents=True, exist_ok=True)
            (venv.folder / course.STAMP).unlink(missing_ok=True)
        return calls(command, **options)

    monkeypatch.setattr(course.subprocess, "call", call)
    monkeypatch.setattr(course, "fetch_images", lambda variables: "folder")
    monkeypatch.setattr(course, "version_of", lambda path: sys.version_info[:2] if path.exists() else None)
    return calls


# ---------------------------------------------------------------- the command line


@pytest.mark.parametrize("argv", [[], ["--help"], ["-h"], ["help"], ["lab", "--help"], ["test", "-h"]])
def test_help_says_what_there_is(argv, capsys, monkeypatch):
    monkeypatch.setattr(course, "set_up", lambda venv: pytest.fail("help must not install anything"))
    assert course.main(argv) == 0
    said = capsys.readouterr().out
    assert all(f"course.py {command}" in said for command in ("lab", "test", "notebooks", "site"))


def test_unknown_command_is_named(capsys):
    assert course.main(["labb"]) == 2
    assert "'labb'" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["lab", "test", "notebooks", "site"])
def test_arguments_are_passed_on_and_the_exit_code_back(command, monkeypatch):
    given = []
    monkeypatch.setattr(course, "set_up", lambda venv: None)
    monkeypatch.setattr(course, command, lambda arguments: given.append(arguments) or 7)
    assert course.main([command, "--one", "two"]) == 7
    assert given == [["--one", "two"]]


def test_ctrl_c_is_no_traceback(monkeypatch, capsys):
    def interrupted(venv):
        raise KeyboardInterrupt

    monkeypatch.setattr(course, "set_up", interrupted)
    assert course.main(["lab"]) == 130
    assert "stopped" in capsys.readouterr().err


# ---------------------------------------------------------------- the machine


@pytest.mark.parametrize("version", course.PYTHONS)
@pytest.mark.parametrize("platform", course.PLATFORMS)
def test_good_machines_pass(version, platform):
    assert course.check_machine(GOOD._replace(version=version, platform=platform)) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": (3, 8)}, "needs Python 3.11, 3.12 or 3.13; this is Python 3.8"),
        ({"version": (3, 10)}, "this is Python 3.10"),
        ({"version": (3, 14)}, "this is Python 3.14"),
        ({"bits": 32}, "32-bit Python"),
        ({"free_threaded": True}, "free-threaded"),
        ({"platform": "macos-x86_64"}, "Intel"),
        ({"platform": "win-arm64"}, "Install the Windows x86-64 Python"),
        ({"platform": "linux-ppc64le"}, "published for: linux-x86_64"),
    ],
)
def test_other_machines_are_told_what_to_do(change, words):
    with pytest.raises(course.Stop, match=words):
        course.check_machine(GOOD._replace(**change))


def test_a_wrong_machine_ends_with_words_before_anything_is_made(monkeypatch, capsys):
    monkeypatch.setattr(course, "this_machine", lambda: GOOD._replace(version=(3, 8)))
    monkeypatch.setattr(course, "set_up", lambda venv: pytest.fail("must stop before"))
    assert course.main(["lab"]) == 1
    said = capsys.readouterr().err
    assert "this is Python 3.8" in said
    assert "Traceback" not in said


def test_this_machine_is_described():
    machine = course.this_machine()
    assert machine.version == sys.version_info[:2]
    assert machine.bits == 64
    assert "-" in machine.platform


def test_a_fitting_python_is_suggested_only_if_it_runs(monkeypatch):
    monkeypatch.setattr(
        course.shutil, "which", lambda name: "/there/" + name if name == "python3.12" else None
    )
    monkeypatch.setattr(course, "quietly", lambda command: True)
    assert "python3.12 course.py" in course.python_advice()
    monkeypatch.setattr(course, "quietly", lambda command: False)
    assert course.python_advice() == course.DOWNLOAD


def test_old_pythons_can_read_the_launcher():
    """Python 3.8 must come as far as the message; its grammar can be asked for, its library cannot."""
    source = Path(course.__file__).read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 7))
    newer = {"removeprefix", "removesuffix", "zoneinfo", "tomllib"}
    assert not newer & {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.returns]
    with pytest.raises(SyntaxError):
        ast.parse("if (n := 1): pass", feature_version=(3, 7))


# ---------------------------------------------------------------- installing


def test_first_run_makes_the_environment_and_installs_with_hashes(calls):
    course.set_up(course.COURSE)
    assert calls.count_of("venv") == 1
    installs = [command for command in calls if "install" in command]
    assert len(installs) == 1
    assert {"--require-hashes", str(course.COURSE.requirements)} <= set(installs[0])
    assert course.read_stamp(course.COURSE) == course.due_stamp(course.COURSE)


def test_second_run_installs_nothing(calls):
    course.set_up(course.COURSE)
    calls.clear()
    course.set_up(course.COURSE)
    assert calls == []


def test_a_changed_lock_installs_again_into_the_same_environment(calls):
    course.set_up(course.COURSE)
    calls.clear()
    course.COURSE.requirements.write_text("numpy==2.4.7\n")
    course.set_up(course.COURSE)
    assert (calls.count_of("venv"), calls.count_of("install")) == (0, 1)


def test_another_python_makes_the_environment_anew(calls, monkeypatch):
    course.set_up(course.COURSE)
    calls.clear()
    (course.COURSE.folder / course.STAMP).write_text(
        course.due_stamp(course.COURSE).replace("Python 3.", "Python 2.")
    )
    monkeypatch.setattr(course, "version_of", lambda path: (2, 7))
    course.set_up(course.COURSE)
    assert (calls.count_of("venv"), calls.count_of("install")) == (1, 1)


def test_a_failed_installation_is_not_stamped_and_is_begun_anew(calls, capsys):
    calls.codes["install"] = 1
    assert course.main(["lab"]) == 1
    assert "could not be installed" in capsys.readouterr().err
    assert course.read_stamp(course.COURSE) == course.UNFINISHED
    assert not course.is_set_up(course.COURSE)
    calls.clear()
    calls.codes["install"] = 0
    course.set_up(course.COURSE)
    assert (calls.count_of("venv"), calls.count_of("install")) == (1, 1)
    assert course.is_set_up(course.COURSE)


def test_a_killed_installation_is_not_stamped(calls, monkeypatch):
    def killed(venv):
        raise KeyboardInterrupt

    monkeypatch.setattr(course, "install", killed)
    with pytest.raises(KeyboardInterrupt):
        course.set_up(course.COURSE)
    assert not course.is_set_up(course.COURSE)


def test_an_environment_whose_python_is_gone_does_not_count(calls):
    course.set_up(course.COURSE)
    course.venv_python().unlink()
    assert not course.is_set_up(course.COURSE)


def test_the_version_of_a_python_is_asked_of_itself(tmp_path):
    assert course.version_of(sys.executable) == sys.version_info[:2]
    assert course.version_of(tmp_path / "gone") is None


def test_without_ensurepip_this_pythons_pip_is_used(calls, monkeypatch):
    monkeypatch.setattr(course, "find_spec", lambda name: None if name == "ensurepip" else object())
    monkeypatch.setattr(course, "quietly", lambda command: False)
    course.set_up(course.COURSE)
    made = next(command for command in calls if "venv" in command)
    installed = next(command for command in calls if "install" in command)
    assert "--without-pip" in made
    assert installed[:5] == [sys.executable, "-m", "pip", "--python", str(course.venv_python())]


def test_with_no_pip_at_all_the_package_is_named(calls, monkeypatch):
    monkeypatch.setattr(course, "find_spec", lambda name: object() if name == "venv" else None)
    with pytest.raises(course.Stop, match=r"apt install python3\.\d+-venv"):
        course.set_up(course.COURSE)
    assert calls == []


def test_the_environment_is_not_removed_from_under_its_own_python(calls, monkeypatch):
    monkeypatch.setattr(course.sys, "prefix", str(course.COURSE.folder))
    with pytest.raises(course.Stop, match=r"outside \.venv"):
        course.set_up(course.COURSE)
    assert calls == []


def test_of_two_first_runs_one_installs(calls, monkeypatch):
    """The second waits, and finds everything done."""
    both_came = threading.Barrier(2)
    is_set_up = course.is_set_up

    def look_once_together(venv):
        answer = is_set_up(venv)
        if threading.current_thread() not in looked:
            looked.add(threading.current_thread())
            both_came.wait(10)
        return answer

    looked = set()
    monkeypatch.setattr(course, "is_set_up", look_once_together)
    monkeypatch.setattr(course.time, "sleep", lambda seconds: None)
    threads = [threading.Thread(target=course.set_up, args=[course.COURSE]) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (calls.count_of("venv"), calls.count_of("install")) == (1, 1)


def test_a_held_lock_keeps_another_process_out(place):
    with course.alone():
        code = f"import sys; sys.path.insert(0, {str(Path(course.__file__).parent)!r}); import course\n"
        code += f"print(course.try_lock(open({str(place / '.venv.lock')!r}, 'w')))"
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "False"


def test_a_read_only_folder_is_told(place, monkeypatch):
    monkeypatch.setattr(course.os, "access", lambda path, mode: False)
    with pytest.raises(course.Stop, match="cannot be written to"):
        course.set_up(course.COURSE)


# ---------------------------------------------------------------- the environment knows the course


def test_set_up_tells_the_environment_where_the_course_is(calls):
    course.set_up(course.COURSE)
    assert course.pointer(course.COURSE).suffix == ".pth"
    assert (
        course.pointer(course.COURSE).parent / course.pointer(course.COURSE).read_text()
    ).resolve() == course.ROOT.resolve()


@pytest.mark.parametrize("stale", [None, "/somewhere/else", "../..", "café"])
def test_an_environment_that_does_not_know_the_course_is_told_without_installing(calls, stale):
    course.set_up(course.COURSE)
    known = course.pointer(course.COURSE).read_bytes()
    course.pointer(course.COURSE).write_bytes(stale.encode("latin-1")) if stale else course.pointer(
        course.COURSE
    ).unlink()
    calls.clear()
    course.set_up(course.COURSE)
    assert course.pointer(course.COURSE).read_bytes() == known
    assert calls == []


def test_an_environment_that_knows_the_course_is_left_alone(calls):
    course.set_up(course.COURSE)
    course.pointer(course.COURSE).chmod(0o444)
    written = course.pointer(course.COURSE).stat().st_mtime_ns
    course.set_up(course.COURSE)
    assert course.pointer(course.COURSE).stat().st_mtime_ns == written


@pytest.fixture
def small_course(tmp_path, monkeypatch):
    """A course with an empty package and a real environment, in a folder named in Greek."""
    root = tmp_path / "βάθος, τιθασευμένο"
    for part in ("helpers", "notebooks/solutions"):
        (root / part).mkdir(parents=True)
    (root / "helpers/__init__.py").touch()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(root / ".venv")], check=True)
    monkeypatch.setattr(course, "COURSE", at(root, course.COURSE))
    monkeypatch.setattr(course, "ROOT", root)
    return root


@pytest.mark.parametrize("folder", ["notebooks", "notebooks/solutions"])
def test_helpers_are_found_from_every_notebooks_folder(small_course, folder):
    """By a kernel that course.py did not start, in a locale without Greek, and after the course has moved."""
    course.pointer(course.COURSE).write_text(course.way_to_the_course(course.COURSE))
    assert found_from(small_course / folder) == small_course / "helpers/__init__.py"
    moved = small_course.rename(small_course.with_name("βυθός"))
    assert found_from(moved / folder) == moved / "helpers/__init__.py"


def test_without_the_pointer_helpers_are_not_found(small_course):
    assert found_from(small_course / "notebooks") is None


def found_from(folder):
    """Return where the environment's Python finds helpers when it is started in a folder, or None."""
    root = next(parent for parent in folder.parents if (parent / ".venv").exists())
    python = root / course.venv_python().relative_to(course.COURSE.folder.parent)
    code = "from importlib.util import find_spec; s = find_spec('helpers'); print(ascii(s and s.origin))"
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "LC_", "LANG"))}
    variables |= {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    said = subprocess.run([python, "-c", code], cwd=folder, env=variables, capture_output=True, check=True)
    origin = ast.literal_eval(said.stdout.decode())
    return origin and Path(os.fsdecode(origin.encode("utf-8", "surrogateescape")))


# ---------------------------------------------------------------- lab


def test_the_server_listens_on_loopback_and_stays_offline(place):
    command = course.lab_command([], root=False)
    assert command[:3] == [str(course.venv_python()), "-m", "jupyterlab"]
    assert "--ServerApp.ip=127.0.0.1" in command
    assert "--LabApp.news_url=None" in command
    assert "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate" in command
    assert "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb" in command


def test_the_token_is_left_to_the_server_and_never_turned_off(place, monkeypatch):
    """A token on the command line could be read by all; without any setting the server draws one."""
    monkeypatch.setenv("JUPYTER_TOKEN", "")
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", "/somebody/elses/settings")
    variables = course.lab_environment()
    options = course.lab_command([], root=True)[3:]
    assert not [word for word in options if "token" in word.lower() or "password" in word.lower()]
    assert "JUPYTER_TOKEN" not in variables
    assert variables["JUPYTER_CONFIG_DIR"] == str(course.STATE)


def test_the_servers_own_token_is_random(place, monkeypatch):
    """Asked of the server itself, which the launcher gives no token."""
    from jupyter_server.auth.identity import IdentityProvider

    monkeypatch.delenv("JUPYTER_TOKEN", raising=False)
    first, second = IdentityProvider(), IdentityProvider()
    assert len(first.token) >= 32
    assert first.token != second.token
    assert first.token_generated  # and so the server shows the whole address


@pytest.mark.parametrize("root", [True, False])
def test_root_and_only_root_gets_the_flag_and_is_told(root, place, monkeypatch, capsys):
    commands = []
    monkeypatch.setattr(course, "is_root", lambda: root)
    monkeypatch.setattr(course, "fetch_images", lambda variables: "folder")
    monkeypatch.setattr(course, "run_to_its_end", lambda command, variables: commands.append(command) or 0)
    assert course.lab(["--no-browser"]) == 0
    assert ("--allow-root" in commands[0]) == root
    assert ("--allow-root" in capsys.readouterr().out) == root
    assert commands[0][-1] == "--no-browser"


def test_what_the_user_gives_stands_in_place_of_ours(place):
    command = course.lab_command(["--ip=0.0.0.0", "--debug", "--allow-root"], root=True)
    assert not [word for word in command if word.startswith("--ServerApp.ip") or "log_level" in word]
    assert command.count("--allow-root") == 1


def test_the_server_options_exist():
    """Jupyter ignores an option that it does not know, so a misspelt one would do nothing."""
    from jupyterlab.labapp import LabApp

    known = {cls.__name__: cls.class_trait_names() for cls in LabApp().classes}
    known |= {"LabApp": LabApp.class_trait_names(), "Application": LabApp.class_trait_names()}
    for option in course.LAB_OPTIONS:
        class_name, trait = option.removeprefix("--").split(".")
        assert trait in known[class_name], option


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to consoles, not to processes")
def test_ctrl_c_waits_for_the_servers_goodbye(place):
    """Both processes get the signal; the launcher must not end before the server, nor with a traceback."""
    server = "import signal, time\n"
    server += "signal.signal(signal.SIGINT, lambda *_: (time.sleep(0.3), exit(print('bye'))))\n"
    server += "print('up', flush=True)\ntime.sleep(20)"
    code = f"import sys; sys.path.insert(0, {str(Path(course.__file__).parent)!r}); import course, os\n"
    code += f"sys.exit(course.run_to_its_end([sys.executable, '-c', {server!r}], dict(os.environ)))"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout.readline() == "up\n"
    os.killpg(process.pid, signal.SIGINT)
    said, complaints = process.communicate(timeout=15)
    assert (said, complaints, process.returncode) == ("bye\n", "", 0)


# ---------------------------------------------------------------- test


def test_all_parts_run_although_one_fails(calls, capsys):
    calls.codes["ruff"] = 1
    assert course.test([]) == 1
    assert len([command for command in calls if "ruff" in command or "pytest" in command]) == len(
        course.PARTS
    )
    summary = capsys.readouterr().out.rpartition("==== summary")[2]
    assert "style      FAILED (exit code 1)" in summary
    assert "notebooks  passed" in summary
    assert summary.endswith("Failed: style.\n")


def test_all_passed(calls, capsys):
    assert course.test([]) == 0
    assert capsys.readouterr().out.endswith("All passed.\n")


def test_the_notebooks_are_run_strictly():
    _, command = course.PARTS[-1]
    assert {"--nbval", "--nbval-current-env", "--nbval-cell-timeout=300", "loadscope"} <= set(command)
    assert "--nbval-lax" not in command


def test_given_arguments_replace_the_parts():
    assert course.parts(["tests/test_data.py", "-x"]) == (
        ("pytest", ["-m", "pytest", "tests/test_data.py", "-x"]),
    )
    ((_, command),) = course.parts(["notebooks/00_start_here.ipynb"])
    assert "--nbval" in command


def test_quick_leaves_out_the_notebooks_and_what_is_slow():
    style, (name, command) = course.parts(["--quick"])
    assert style == course.PARTS[0]
    assert name == "tests"
    assert command == [*dict(course.PARTS)["tests"][:-1], "-m", "not slow", "tests"]


def test_quick_goes_with_other_arguments():
    assert course.parts(["tests/test_data.py", "--quick", "-x"]) == (
        ("pytest", ["-m", "pytest", "-m", "not slow", "tests/test_data.py", "-x"]),
    )


def test_a_full_run_leaves_nothing_out():
    assert not [command for _, command in course.PARTS if "not slow" in command]


def test_the_stand_in_is_told_in_the_summary(calls, monkeypatch, capsys):
    monkeypatch.setattr(course, "fetch_images", lambda variables: "stand-in")
    assert course.test([]) == 0
    assert "stand-in" in capsys.readouterr().out.rpartition("==== summary")[2]
    assert course.test(["tests/test_course.py"]) == 0
    assert "stand-in" not in capsys.readouterr().out


def test_one_attempt_to_download_is_enough(calls, monkeypatch):
    monkeypatch.setattr(course, "fetch_images", lambda variables: "stand-in")
    seen = []
    monkeypatch.setattr(
        course, "run_part", lambda name, command, variables: seen.append(variables) or (name, 0, 0)
    )
    course.test([])
    assert len(seen) == len(course.PARTS)
    assert all(variables["TAMING_DEPTH_OFFLINE"] == "1" for variables in seen)


@pytest.mark.parametrize("notice", ["", "These are drawn ones."])
def test_the_images_are_fetched_and_told(monkeypatch, capsys, notice):
    said = f"{notice}\nstand-in\n".encode()
    monkeypatch.setattr(course.subprocess, "check_output", lambda *_, **__: said)
    assert course.fetch_images({}) == "stand-in"
    assert (notice or "The images are at hand.") in capsys.readouterr().out


def test_images_that_are_not_the_published_ones_stop_us(monkeypatch):
    def fail(command, **_):
        raise course.subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(course.subprocess, "check_output", fail)
    with pytest.raises(course.Stop, match="images"):
        course.fetch_images({})


def test_no_setting_of_the_user_reaches_the_tests(place, monkeypatch):
    for name in (*course.SETTINGS, "PYTHONPATH", "MPLBACKEND", "PIP_TARGET"):
        monkeypatch.setenv(name, "/somebody/elses")
    monkeypatch.setenv("TAMING_DEPTH_REQUIRE_BROWSER", "1")
    with course.private_settings() as variables:
        assert "/somebody/elses" not in variables.values()
        assert all(variables[name] == "1" for name in course.THREADS)
        assert variables["TAMING_DEPTH_REQUIRE_BROWSER"] == "1"
        assert variables["PATH"].startswith(str(course.venv_python().parent))


# ---------------------------------------------------------------- notebooks


def test_notebooks_are_written_by_the_tool(calls):
    calls.codes["tools.notebooks"] = 3
    assert course.notebooks(["02", "04"]) == 3
    assert calls[-1] == [str(course.venv_python()), "-m", "tools.notebooks", "02", "04"]


def test_notebooks_are_not_written_with_stand_in_images(calls, monkeypatch):
    monkeypatch.setattr(course, "fetch_images", lambda variables: "stand-in")
    with pytest.raises(course.Stop, match="real images only"):
        course.notebooks(["02"])
    assert not calls


# ---------------------------------------------------------------- site


def test_the_site_is_built_by_the_tool_with_its_own_sphinx(calls):
    calls.codes["tools.site"] = 3
    assert course.site(["04", "--jobs", "1"]) == 3
    command = [str(course.venv_python()), "-m", "tools.site", "--python", str(course.python_of(course.SITE))]
    assert calls[-1] == [*command, "04", "--jobs", "1"]


def test_what_the_site_needs_is_installed_once_into_an_environment_of_its_own(calls):
    course.site([])
    installs = [command for command in calls if "install" in command]
    assert [command[-1] for command in installs] == [str(course.SITE.requirements)]
    assert "--require-hashes" in installs[0]
    assert course.is_set_up(course.SITE)
    assert not course.is_set_up(course.COURSE)
    calls.clear()
    course.site([])
    assert calls.count_of("install") == 0


@pytest.mark.parametrize("command", ["lab", "test", "notebooks"])
def test_no_other_command_installs_what_the_site_needs(calls, monkeypatch, command):
    monkeypatch.setattr(course, "run_to_its_end", lambda command, variables: 0)
    course.main([command])
    assert not course.python_of(course.SITE).exists()


def test_a_failed_installation_of_the_site_is_told(calls, capsys):
    calls.codes["install"] = 1
    with pytest.raises(course.Stop, match="about 300 MB"):
        course.site([])
    assert calls.count_of("tools.site") == 0


def test_no_site_is_built_with_stand_in_images(calls, monkeypatch):
    monkeypatch.setattr(course, "fetch_images", lambda variables: "stand-in")
    with pytest.raises(course.Stop, match="real images only"):
        course.site([])
    assert calls.count_of("tools.site") == 0
