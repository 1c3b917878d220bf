"""`foreman hook` and `foreman hooks install`: events on their way, and an agent's settings."""

import json
import os
from pathlib import Path

import pytest
from foreman import cli, hooks
from foreman.office import Office
from foreman.parser import make_parser

from builders.models import Heartbeat
from tests.client.office import environment, foreman

EVENTS = sorted((Path(__file__).parents[1] / "api/hooks/events").glob("*.json"))
SECRET = "SECRET-of-the-prompt"


@pytest.fixture
def install(capsys, monkeypatch):
    """Run `foreman hooks install`; return its exit status and what it wrote."""
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}" if name == "foreman" else None)

    def install(*arguments):
        status = cli.run(["hooks", "install", *arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return install


# --- events ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", EVENTS, ids=lambda file: file.stem)
def test_prompts_and_what_tools_take_and_give_stay_on_the_machine(file):
    told = json.loads(file.read_text())
    assert SECRET in file.read_text()
    for event in told["events"]:
        passed = hooks.passed_on(event)
        assert SECRET not in json.dumps(passed)
        assert passed["hook_event_name"] == event["hook_event_name"]
        for name in ("session_id", "tool_name", "stop_hook_active", "loop_count"):
            assert passed.get(name) == event.get(name)
    assert {each["agent"] for each in (told,)} <= {*hooks.AGENTS}


@pytest.mark.slow
def test_events_reach_the_office_and_its_answers_the_agent(known, held, live_server, home):
    office = Office(live_server.url, known)
    answers = {}
    for file in EVENTS:
        told = json.loads(file.read_text())
        for event in told["events"]:
            answer = hooks.pass_on(office, told["agent"], json.dumps(event).encode())
            if event["hook_event_name"] in ("Stop", "AfterAgent", "stop") and answer:
                answers[file.stem] = answer.get("decision") or "followup_message" in answer
    assert answers == {
        **dict.fromkeys(("claude-code-2.0", "claude-code-2.1", "codex"), "block"),
        "gemini-cli": "deny",
        "cursor-2.0": True,
    }
    assert Heartbeat.objects.filter(message="Uses Bash", task=held).exists()

    env = environment(home, live_server.url, known)
    event = {"hook_event_name": "Stop", "session_id": "s", "last_assistant_message": SECRET}
    done = foreman("hook", "--agent", "codex", env=env, input=json.dumps(event))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["decision"] == "block"


def test_what_is_no_event_and_an_office_that_is_away_are_no_block(office, shell):
    """An exit status of 2 would hold an agent, or keep it from using a tool."""
    for text, status in (("{", 16), ("{}", 16), ("[]", 16)):
        assert foreman("hook", env=shell, input=text).returncode == status
    office.close()
    done = foreman("hook", env=shell, input='{"hook_event_name": "Stop"}')
    assert (done.returncode, done.stdout) == (17, "")


# --- settings -------------------------------------------------------------------------------------


def test_the_hooks_are_shown_and_written_only_when_told_to(install, tmp_path):
    (tmp_path / ".claude").mkdir()
    status, out, _ = install()
    assert (status, os.listdir(tmp_path / ".claude")) == (0, [])
    assert '"command": "foreman hook --agent claude-code"' in out
    assert f"With --yes these hooks are put into {tmp_path}/.claude/settings.local.json" in out
    status, out, _ = install("--yes", "--json")
    told = json.loads(out)
    file = tmp_path / ".claude/settings.local.json"
    assert (status, told["written"], told["file"]) == (0, True, str(file))
    written = json.loads(file.read_text())
    assert written == {"hooks": told["hooks"]}
    assert {*written["hooks"]} >= {"SessionStart", "PostToolUse", "Stop"}
    # Again nothing changes.
    before = file.read_bytes()
    assert "already" in install("--yes")[1]
    assert file.read_bytes() == before


def test_what_is_in_the_settings_stays_and_old_hooks_of_ours_go(install, tmp_path):
    file = tmp_path / ".claude/settings.json"
    (tmp_path / "home/.claude").mkdir(parents=True)
    mine = {"type": "command", "command": "say done"}
    old = {"type": "command", "command": "/old/python client.pyz hook --agent claude-code"}
    file = tmp_path / "home/.claude/settings.json"
    told = {
        "model": "opus",
        "hooks": {
            "Stop": [{"hooks": [mine, old]}, {"hooks": [old]}],
            "SubagentStop": [{"hooks": [old]}],
            "PreToolUse": [{"matcher": "Bash", "hooks": [mine]}],
        },
    }
    file.write_text(json.dumps(told))
    file.chmod(0o600)
    assert install("--agent", "claude-code", "--user", "--yes")[0] == 0
    written = json.loads(file.read_text())
    assert (written["model"], file.stat().st_mode & 0o777) == ("opus", 0o600)
    assert written["hooks"]["PreToolUse"] == told["hooks"]["PreToolUse"]
    assert written["hooks"]["Stop"][0] == {"hooks": [mine]}
    assert len(written["hooks"]["Stop"]) == 2
    assert "SubagentStop" not in written["hooks"]


def test_events_may_be_sent_by_the_agent_itself_and_the_token_is_in_no_file(
    install, tmp_path, monkeypatch
):
    monkeypatch.setenv("FOREMAN_URL", "https://office.example")
    monkeypatch.setenv("FOREMAN_TOKEN", "fo_secret")
    for agent in hooks.AGENTS:
        assert install("--agent", agent, "--yes")[0] == 0
    out = install("--agent", "claude-code", "--http", "--yes")[1]
    assert "needs FOREMAN_TOKEN in its environment" in out
    texts = [file.read_text() for file in tmp_path.rglob("*.json")]
    assert len(texts) == len(hooks.AGENTS)
    assert "fo_secret" not in "".join([*texts, out])
    written = json.loads((tmp_path / ".claude/settings.local.json").read_text())["hooks"]
    [stop] = written["Stop"]
    [sent] = stop["hooks"]
    assert sent["url"] == "https://office.example/api/hooks/claude-code"
    assert sent["headers"] == {"Authorization": "Bearer $FOREMAN_TOKEN"}
    assert sent["allowedEnvVars"] == ["FOREMAN_TOKEN"]
    # This agent sends no start of a session to an address.
    assert written["SessionStart"][0]["hooks"][0]["type"] == "command"
    cursor = json.loads((tmp_path / ".cursor/hooks.json").read_text())
    assert (cursor["version"], cursor["hooks"]["stop"]) == (
        1,
        [{"command": "foreman hook --agent cursor"}],
    )
    assert install("--agent", "codex", "--http")[0] == 16


def test_the_agent_is_found_or_asked_for(install, tmp_path):
    assert "No agent was found" in install()[2]
    (tmp_path / ".gemini").mkdir()
    assert '"AfterAgent"' in install()[1]
    (tmp_path / ".codex").mkdir()
    status, _, err = install()
    assert (status, "Several agents were found" in err) == (16, True)
    assert "open /hooks" in install("--agent", "codex", "--yes")[1]


def test_settings_that_are_not_understood_are_left_alone(install, tmp_path):
    file = tmp_path / ".gemini/settings.json"
    file.parent.mkdir()
    for text in ("{ // a comment\n}", "[]", '{"hooks": []}'):
        file.write_text(text)
        status, _, err = install("--agent", "gemini-cli", "--yes")
        assert (status, str(file) in err, file.read_text()) == (16, True, text)


def test_every_agent_of_the_office_can_be_named():
    from foreman_office.api.hook_events import HookAgent

    assert {*hooks.AGENTS} == {*HookAgent}
    parser = make_parser("0")
    for agent in HookAgent:
        assert parser.parse_args(["hook", "--agent", agent]).agent == agent
