"""Taming Depth: the launcher. It needs nothing but Python 3.11, 3.12 or 3.13.

    python3 course.py lab          open the course in your browser
    python3 course.py test         run every test (15 minutes); with --quick all but the slow ones (two)
    python3 course.py notebooks    for authors: execute the notebooks and write them anew
    python3 course.py site         for authors: build the web pages, every lab in them, into build/site

The first use sets up, which takes some minutes and about 3 GB of disk: it makes the folder .venv beside
this file and installs into it the packages that requirements.txt lists. Nothing outside this folder is
changed. Later uses start at once; packages are installed again only when requirements.txt has changed.
What only the web pages need goes into .venv-site.

What follows `lab` goes to JupyterLab:    python3 course.py lab --no-browser --port 9999
What follows `test` goes to pytest:       python3 course.py test tests/networks -x
What follows `notebooks` is their names:  python3 course.py notebooks 02 04
What follows `site` goes to tools/site:   python3 course.py site 04 --jobs 1

On Windows write `py` in place of `python3`.
"""

# Old Pythons must be able to read this file, so that it can tell their owners what is wrong:
# no syntax newer than Python 3.6, and nothing but the standard library.

import contextlib
import hashlib
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections import namedtuple
from importlib.util import find_spec
from pathlib import Path

Venv = namedtuple("Venv", "folder requirements disk")

ROOT = Path(__file__).resolve().parent
COURSE = Venv(ROOT / ".venv", ROOT / "requirements.txt", "3 GB")
SITE = Venv(ROOT / ".venv-site", ROOT / "site" / "requirements.txt", "300 MB")
STAMP = "course-stamp.txt"  # in an environment: which requirements were installed, and for which Python
STATE = ROOT / ".jupyter-state"  # JupyterLab's settings for this course, apart from the user's own
START = "/lab/tree/notebooks/00_start_here.ipynb"
PYTHONS = ((3, 11), (3, 12), (3, 13))
PLATFORMS = ("linux-x86_64", "linux-aarch64", "macos-arm64", "win-amd64")  # where TensorFlow has a wheel
UNFINISHED = "unfinished"

# Nothing is fetched from the network while the course runs, little is logged, and Ctrl-C asks no question.
LAB_OPTIONS = {
    "--ServerApp.ip": "127.0.0.1",
    "--ServerApp.root_dir": str(ROOT),
    "--ServerApp.answer_yes": "True",
    "--Application.log_level": "WARN",
    "--LabApp.default_url": START,
    "--LabApp.news_url": "None",
    "--LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager": "readonly",
}
OTHER_NAMES = {
    "--ServerApp.ip": {"--ip"},
    "--ServerApp.root_dir": {"--notebook-dir"},
    "--ServerApp.answer_yes": {"-y"},
    "--Application.log_level": {"--log-level", "--debug"},
}
# A live figure makes and drops some 20 MB of arrays at each step. Where the C library is glibc, the first two
# keep it from handing that memory back to the system every time, which takes a third off a step. Its matrix
# products are small: more threads than one only wait for each other while the browser uses the cores too.
# A control's value need not be sent back to the page that it came from: there is one page.
FOR_LIVE_FIGURES = {
    "MALLOC_TRIM_THRESHOLD_": str(64 * 2**20),
    "MALLOC_MMAP_THRESHOLD_": str(4 * 2**20),
    "OPENBLAS_NUM_THREADS": "1",
    "JUPYTER_WIDGETS_ECHO": "0",
}
PAGE_CONFIG = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}

PYTEST = ["-m", "pytest", "-n", "2", "--dist", "loadscope"]
NOT_SLOW = ["-m", "not slow"]
NO_NBVAL = ["-p", "no:nbval"]  # its imports take a second
NBVAL = ["--nbval", "--nbval-current-env", "--nbval-cell-timeout=300"]
PARTS = (
    ("style", ["-m", "ruff", "check", "."]),
    ("tests", [*PYTEST, *NO_NBVAL, "tests"]),
    ("notebooks", [*PYTEST, *NBVAL, "notebooks"]),
)
QUICK = (PARTS[0], ("tests", [*PYTEST, *NO_NBVAL, *NOT_SLOW, "tests"]))

SETTINGS = (
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_DATA_DIR",
    "JUPYTER_RUNTIME_DIR",
    "IPYTHONDIR",
    "MPLCONFIGDIR",
    "KERAS_HOME",
)
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")

Machine = namedtuple("Machine", "version platform bits free_threaded")


class Stop(Exception):
    """What keeps us from going on, in words for the user."""


def main(argv):
    """Do what the command line says; return the exit code."""
    commands = {"lab": lab, "test": test, "notebooks": notebooks, "site": site}
    if not argv or argv[0] in ("-h", "--help", "help") or argv[1:] in (["-h"], ["--help"]):
        print(__doc__.strip())
        return 0
    if argv[0] not in commands:
        complain(f"there is no command {argv[0]!r}; choose lab, test, notebooks or site.")
        return 2
    try:
        check_machine(this_machine())
        set_up(COURSE)
        return commands[argv[0]](argv[1:])
    except Stop as problem:
        complain(problem)
        return 1
    except KeyboardInterrupt:
        complain("stopped.")
        return 130


def complain(problem):
    """Tell the user what is wrong."""
    print(f"\ncourse.py: {problem}", file=sys.stderr, flush=True)


# ---------------------------------------------------------------- is this machine one that will do?


def this_machine():
    """What check_machine looks at."""
    system = {"Linux": "linux", "Darwin": "macos"}.get(platform.system())
    name = f"{system}-{platform.machine()}" if system else sysconfig.get_platform()
    free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    return Machine(sys.version_info[:2], name.replace("linux-arm64", "linux-aarch64"), bits(), free_threaded)


def bits():
    """Return 32 or 64: the size of a pointer in this Python, which may be smaller than the machine's."""
    return 64 if sys.maxsize > 2**32 else 32


def check_machine(machine):
    """Raise Stop, with what to do, when the locked packages have no version for this Python or machine."""
    if machine.version not in PYTHONS:
        said = "Taming Depth needs Python 3.11, 3.12 or 3.13; this is Python {}.{} ({}).\n{}"
        raise Stop(said.format(*machine.version, sys.executable, python_advice()))
    if machine.bits != 64:
        raise Stop("this is a 32-bit Python, and TensorFlow needs a 64-bit one.\n" + DOWNLOAD)
    if machine.free_threaded:
        raise Stop("this is a free-threaded Python, and TensorFlow needs an ordinary one.\n" + DOWNLOAD)
    if machine.platform not in PLATFORMS:
        raise Stop(platform_advice(machine.platform))


DOWNLOAD = "Python for every system is at https://www.python.org/downloads/ (3.13 is a good choice)."


def python_advice():
    """Name a fitting Python that is on this machine already, or say where to get one."""
    for major, minor in reversed(PYTHONS):
        version = f"{major}.{minor}"
        for command in (["python" + version], ["py", "-" + version]):
            if shutil.which(command[0]) and quietly([*command, "-c", ""]):
                return "This machine has one that will do; write:\n    " + " ".join(
                    [*command, "course.py", "..."]
                )
    return DOWNLOAD


def platform_advice(name):
    """Say what to do on a system for which TensorFlow is not published."""
    said = f"TensorFlow, which the course uses, is not published for this system ({name}).\n"
    if name == "macos-x86_64":
        return said + (
            "On a Mac with an Intel processor, run the course in a Linux container or on another machine.\n"
            "On a Mac with an Apple processor, this Python was made for Intel: install the universal one.\n"
            + DOWNLOAD
        )
    if name == "win-arm64":
        return said + "Install the Windows x86-64 Python; Windows on ARM runs it.\n" + DOWNLOAD
    return said + "It is published for: {}.".format(", ".join(PLATFORMS))


# ---------------------------------------------------------------- the environments


def set_up(venv):
    """Bring an environment in step with its requirements and with this folder, unless it is."""
    if is_set_up(venv):
        return
    if not os.access(str(ROOT), os.W_OK):
        raise Stop(f"the folder {ROOT} cannot be written to; copy the course to one of your own.")
    with alone():
        if not is_set_up(venv):  # another course.py may have done it while we waited
            prepare(venv)


def prepare(venv):
    """Make the environment if there is none that fits, install, and stamp; a half-done one is made anew."""
    stamp = venv.folder / STAMP
    if not is_installed(venv):
        if read_stamp(venv) == UNFINISHED or version_of(python_of(venv)) != sys.version_info[:2]:
            make_venv(venv)
        stamp.write_text(UNFINISHED)
        install(venv)
        stamp.write_text(due_stamp(venv))
    pointer(venv).write_text(way_to_the_course(venv))


def is_set_up(venv):
    """Say whether an environment has its packages and knows this folder."""
    return is_installed(venv) and knows_the_course(venv)


def is_installed(venv):
    """Say whether the last installation was of these requirements, for this Python, and was finished."""
    return python_of(venv).exists() and read_stamp(venv) == due_stamp(venv)


def knows_the_course(venv):
    """Say whether `import helpers` finds this folder, whatever notebook or program it stands in."""
    try:
        return pointer(venv).read_bytes() == way_to_the_course(venv).encode()
    except OSError:
        return False


def pointer(venv):
    """Return the path of the file that adds this folder to the environment's sys.path at each start."""
    folder = sysconfig.get_path("purelib", "venv", {"base": str(venv.folder)})
    return Path(folder) / "taming_depth.pth"


def way_to_the_course(venv):
    """Return the pointer's only line: this folder, as seen from the pointer's.

    So the course can be moved or copied, and its path may have letters that the system's encoding lacks, in
    which Python 3.11 and 3.12 read the file.
    """
    return os.path.relpath(str(ROOT), str(pointer(venv).parent)).replace(os.sep, "/")


def due_stamp(venv):
    """Return what identifies an installation: the version of Python and the hash of the requirements."""
    digest = hashlib.sha256(venv.requirements.read_bytes()).hexdigest()
    return "Python {}.{}\nrequirements.txt {}\n".format(*sys.version_info[:2], digest)


def read_stamp(venv):
    """Return the text of the stamp, empty if there is none."""
    stamp = venv.folder / STAMP
    return stamp.read_text() if stamp.exists() else ""


def python_of(venv):
    """Return the path of an environment's Python."""
    return venv.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def venv_python():
    """Return the path of the course's Python."""
    return python_of(COURSE)


def version_of(python):
    """Return (major, minor) of a Python, or None if it does not run."""
    command = [str(python), "-c", "import sys; print(*sys.version_info[:2])"]
    try:
        answer = subprocess.check_output(command, stderr=subprocess.DEVNULL, env=environment())
    except (OSError, subprocess.CalledProcessError):
        return None
    return tuple(int(part) for part in answer.split())


def make_venv(venv):
    """Make an environment anew, with its own pip where this Python brings one; Debian split that off."""
    name = venv.folder.name
    if Path(sys.prefix) == venv.folder:
        raise Stop(f"the environment must be made anew; run course.py with the Python outside {name}.")
    bundled = find_spec("ensurepip") is not None
    if not find_spec("venv") or not (bundled or find_spec("pip")):
        raise Stop(NO_PIP.format(*sys.version_info[:2]))
    print(f"Making the environment {name} ...", flush=True)
    options = ["--clear"] if bundled else ["--clear", "--without-pip"]
    if subprocess.call([sys.executable, "-m", "venv", *options, str(venv.folder)], env=environment()):
        raise Stop(f"the environment {name} could not be made; the reason is above.")


NO_PIP = """this Python has neither venv's part `ensurepip` nor pip, and so cannot install packages.
On Debian and Ubuntu: sudo apt install python{}.{}-venv     Then run the same command again."""


def install(venv):
    """Install what an environment's requirements list, every file checked against its hash."""
    print("Installing the packages; this happens once and takes some minutes ...", flush=True)
    options = ["install", "--disable-pip-version-check", "--require-hashes", "-r", str(venv.requirements)]
    if subprocess.call(pip(venv) + options, env=environment()):
        raise Stop(NOT_INSTALLED.format(venv.disk) + (LONG_PATHS if os.name == "nt" else ""))


NOT_INSTALLED = """the packages could not be installed; pip says why, above.
Installing needs the network and about {} of disk. Run the same command again to try once more."""
LONG_PATHS = """
If it names a path that cannot be found, allow long paths, or move the course to a short path:
https://pip.pypa.io/warnings/enable-long-paths"""


def pip(venv):
    """Return the command that is pip: the environment's own, or this Python's, told to work on it."""
    own = [str(python_of(venv)), "-m", "pip"]
    if quietly([*own, "--version"]):
        return own
    return [sys.executable, "-m", "pip", "--python", str(python_of(venv))]


def quietly(command):
    """Run a command without its output; say whether it went well."""
    with open(os.devnull, "w") as nowhere:
        try:
            return subprocess.call(command, stdout=nowhere, stderr=nowhere) == 0
        except OSError:
            return False


def environment(**more):
    """Return the user's variables for the environment's programs, without what could lead them astray."""
    variables = dict(os.environ)
    for name in ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "MPLBACKEND"):
        variables.pop(name, None)
    if not variables.get("JUPYTER_TOKEN"):  # an empty one would open the server to everybody on this machine
        variables.pop("JUPYTER_TOKEN", None)
    path = str(venv_python().parent) + os.pathsep + variables.get("PATH", "")
    variables.update(PATH=path, VIRTUAL_ENV=str(COURSE.folder), PYTHONNOUSERSITE="1", PYTHONUTF8="1")
    variables.update(PIP_USER="0", KERAS_BACKEND="tensorflow", **more)
    return variables


@contextlib.contextmanager
def alone():
    """Wait until no other course.py is setting up; the system gives the lock back however we end."""
    with open(str(ROOT / ".venv.lock"), "w") as handle:
        waiting = False
        while not try_lock(handle):
            if not waiting:
                print("Another course.py is setting up; waiting for it ...", flush=True)
            waiting = True
            time.sleep(0.5)
        yield


def try_lock(handle):
    """Lock an open file and return True, or return False if another process has it."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True  # a network disk without locks: go on, as there is nothing better
    return True


# ---------------------------------------------------------------- lab


def lab(arguments):
    """Open JupyterLab at the first notebook and stay until it ends."""
    if is_root():
        print("You are root: JupyterLab is started with --allow-root. An ordinary user is the safer choice.")
    variables = lab_environment()
    fetch_images(variables)
    print("If no browser opens, copy into one the address with `token=` in it, below.")
    print("To stop JupyterLab, press Ctrl-C here.", flush=True)
    return run_to_its_end(lab_command(arguments, root=is_root()), variables)


def is_root():
    """Say whether JupyterLab will take us for root and refuse."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def lab_command(arguments, root):
    """Return JupyterLab's command line; what the user gave stands in place of ours."""
    given = {argument.partition("=")[0] for argument in arguments}
    ours = [k + "=" + v for k, v in LAB_OPTIONS.items() if not given & {k, *OTHER_NAMES.get(k, ())}]
    if root and "--allow-root" not in given:
        ours.append("--allow-root")
    return [str(venv_python()), "-m", "jupyterlab", *ours, *arguments]


def lab_environment():
    """Return JupyterLab's variables: settings in our own folder, so that no earlier set-up gets in the way.

    A server without a configured token makes a random one at each start and shows the whole address;
    on the command line a token could be read by every user of the machine.
    """
    page_config = STATE / "labconfig" / "page_config.json"
    page_config.parent.mkdir(parents=True, exist_ok=True)
    page_config.write_text(json.dumps(PAGE_CONFIG))
    return environment(JUPYTER_CONFIG_DIR=str(STATE), **FOR_LIVE_FIGURES)


def run_to_its_end(command, variables):
    """Run a server that answers Ctrl-C itself, and return its exit code."""
    process = subprocess.Popen(command, cwd=str(ROOT), env=variables)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            pass  # JupyterLab has had the same Ctrl-C, and is saying goodbye


def fetch_images(variables):
    """Have the images at hand, downloading them once; return their source, "stand-in" where all fails."""
    code = "from helpers import data; source = data.fetch(); print(data.notice()); print(source)"
    command = [str(venv_python()), "-c", code]
    try:
        notice, source = subprocess.check_output(command, cwd=str(ROOT), env=variables).decode().splitlines()
    except subprocess.CalledProcessError:
        raise Stop("the images could not be made ready; the reason is above.") from None
    print(notice or "The images are at hand.", flush=True)
    return source


# ---------------------------------------------------------------- test, notebooks and site


def test(arguments):
    """Run every part of the tests, or pytest once with the arguments given, and sum up."""
    with private_settings() as variables:
        stand_in = fetch_images(variables) == "stand-in"
        if stand_in:
            variables["TAMING_DEPTH_OFFLINE"] = "1"  # one attempt is enough
        results = [run_part(name, command, variables) for name, command in parts(arguments)]
        return sum_up(results, stand_in and any(name == "notebooks" for name, _, _ in results))


def parts(arguments):
    """Return (name, arguments of Python) for each part; arguments given replace all parts by one run.

    `--quick` leaves out the notebooks and the tests marked slow.
    """
    quick = "--quick" in arguments
    given = [argument for argument in arguments if argument != "--quick"]
    if not given:
        return QUICK if quick else PARTS
    on_notebooks = any(a.startswith("notebooks") or a.endswith(".ipynb") for a in given)
    options = [*(NBVAL if on_notebooks else []), *(NOT_SLOW if quick else [])]
    return (("pytest", ["-m", "pytest", *options, *given]),)


@contextlib.contextmanager
def private_settings():
    """Yield the variables for a run that no setting of the user changes, and that changes none.

    Two processes share the cores, so each has one thread for its matrix products.
    """
    with tempfile.TemporaryDirectory(prefix="taming-depth-") as folder:
        folders = {name: os.path.join(folder, name.lower()) for name in SETTINGS}
        yield environment(**folders, **dict.fromkeys(THREADS, "1"))


def run_part(name, command, variables):
    """Run one part; return (name, exit code, seconds)."""
    print("\n==== {}: python {}\n".format(name, " ".join(command)), flush=True)
    start = time.time()
    code = subprocess.call([str(venv_python()), *command], cwd=str(ROOT), env=variables)
    return name, code, time.time() - start


def sum_up(results, stand_in):
    """Print a line for each part and one for all; return the exit code."""
    print("\n==== summary")
    for name, code, seconds in results:
        said = f"FAILED (exit code {code})" if code else "passed"
        print(f"{name:<10} {said:<22} {seconds:4.0f} s")
    if stand_in:
        print("The images were the stand-in, so the outputs of the notebooks were not compared.")
    failed = [name for name, code, _ in results if code]
    print("Failed: {}.".format(", ".join(failed)) if failed else "All passed.", flush=True)
    return 1 if failed else 0


def notebooks(arguments):
    """For authors: execute the solved twins named, or all, and write them and the learner's copies."""
    with private_settings() as variables:
        if fetch_images(variables) == "stand-in":
            raise Stop(ONLY_REAL_IMAGES)
        return run_part("notebooks", ["-m", "tools.notebooks", *arguments], variables)[1]


def site(arguments):
    """For authors: build the web pages, with what Sphinx needs in an environment of its own."""
    set_up(SITE)
    with private_settings() as variables:
        if fetch_images(variables) == "stand-in":
            raise Stop(ONLY_REAL_IMAGES)
        command = ["-m", "tools.site", "--python", str(python_of(SITE)), *arguments]
        return run_part("site", command, variables)[1]


ONLY_REAL_IMAGES = "this is done with the real images only; data/README.md tells how to get them."

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
