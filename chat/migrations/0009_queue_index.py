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
                fields=["verify", "origin", "question_key", "source", "score", "blocked", "session", "answered_at"],
                name="chat_queue",
            ),
        ),
    ]
