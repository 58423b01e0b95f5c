"""`manage.py trainer` on a small model: python trainer_process.py STEPS. The first start makes the database."""

import os
import sys
from functools import partial

import django

PAIRS = {
    "안녕?": "안녕하세요! 반가워요.",
    "이름이 뭐야?": "저는 자람이에요.",
    "뭐 해?": "당신을 기다리고 있었어요.",
    "배고파": "맛있는 걸 챙겨 드세요.",
    "졸려": "오늘은 일찍 주무세요.",
    "심심해": "저랑 이야기해요!",
}
SMALL = {
    "num_layers": 1,
    "encoder_type": "uni",
    "num_units": 32,
    "attention": "scaled_luong",
    "optimizer": "adam",
    "learning_rate": 0.02,
    "dropout": 0.0,
    "batch_size": 6,
    "steps_per_stats": 20,
}


def main(steps: int) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "chatbot.settings"
    django.setup()

    from django.core.management import CommandError, call_command
    from django.db import connection

    from chat import run_settings
    from chat.models import Chat
    from chat.training import services, trainer
    from chat.training.run import TrainingRun

    trainer.run_settings = partial(run_settings.run_settings, engine={**SMALL, "num_train_steps": steps}, threads=1)
    if "chat_trainingrun" not in connection.introspection.table_names():
        call_command("migrate", verbosity=0)
        for question, answer in PAIRS.items():
            Chat.objects.create(question=question, answer=answer, verify="approved", origin="hand")
        # By force: what so short a training has learned is not what is tested.
        services.request_training(reason=TrainingRun.Reason.BUTTON, force=True)
    try:
        call_command("trainer")
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.returncode)


main(int(sys.argv[1]))
