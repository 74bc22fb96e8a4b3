/* From the store's threads to the loop. */
#include "store/sq.h"

#include "base/log.h"

void sq_note_send(struct sq_store *store, struct sq_note *note)
{
    (void)pthread_mutex_lock(&store->note_lock);
    note->next = NULL;
    *store->notes_tail = note;
    store->notes_tail = &note->next;
    (void)pthread_mutex_unlock(&store->note_lock);
    xw_wake_up(store->wake);
}

void sq_note_unreadable(struct sq_store *store, const struct xw_uuid *id, struct xw_range range,
                        const char *text)
{
    struct sq_note *note = calloc(1, sizeof *note);
    if (note == NULL)
        return;
    *note = (struct sq_note){.kind = NOTE_UNREADABLE, .stream = *id, .range = range, .text = text};
    sq_note_send(store, note);
}

void sq_note_status(struct sq_store *store, xw_store_status_fn fn, void *user, int status)
{
    struct sq_note *note = calloc(1, sizeof *note);
    if (note == NULL)
        return;
    *note = (struct sq_note){.kind = NOTE_STATUS, .status_fn = fn, .user = user, .status = status};
    sq_note_send(store, note);
}

static void call_watch(struct sq_store *store, const struct sq_note *note)
{
    const struct xw_store_watch *watch = &store->base.watch;
    switch (note->kind) {
    case NOTE_SPACE:
        if (note->space != XW_SPACE_OK)
            sq_view_flush_released(store);
        if (watch->on_space != NULL)
            watch->on_space(watch->user, note->space, note->free_bytes);
        break;
    case NOTE_CONFLICT:
        if (watch->on_conflict != NULL)
            watch->on_conflict(watch->user, &note->stream, note->range);
        break;
    case NOTE_UNREADABLE:
        if (watch->on_unreadable != NULL)
            watch->on_unreadable(watch->user, &note->stream, note->range, note->text);
        break;
    case NOTE_STATUS:
        if (note->status_fn != NULL)
            note->status_fn(note->user, note->status);
        break;
    case NOTE_COMMIT:
        break;
    }
}

void sq_notes_run(struct sq_store *store)
{
    (void)pthread_mutex_lock(&store->note_lock);
    struct sq_note *note = store->notes;
    store->notes = NULL;
    store->notes_tail = &store->notes;
    (void)pthread_mutex_unlock(&store->note_lock);
    for (struct sq_note *next; note != NULL; note = next) {
        next = note->next;
        sq_view_apply(store, note);
        for (struct sq_job *job = note->jobs, *after; job != NULL; job = after) {
            after = job->next;
            job->done(store, job);
        }
        call_watch(store, note);
        free(note->ops);
        free(note);
    }
}
