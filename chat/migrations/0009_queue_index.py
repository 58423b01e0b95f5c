from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0008_blocked_and_similarity"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="chat",
            name="chat_by_question",
        ),
        migrations.AddIndex(
            model_name="chat",
            index=models.Index(fields=["question_key", "verify"], name="chat_by_question"),
        ),
        migrations.AddIndex(
            model_name="chat",
            index=models.Index(
                fields=[
                    "verify",
                    "origin",
                    "question_key",
                    "source",
                    "score",
                    "similarity",
                    "blocked",
                    "session",
                    "answered_at",
                    "reviewed_at",
                ],
                name="chat_queue",
            ),
        ),
    ]
