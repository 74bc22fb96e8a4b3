/* Parts of access units. */
#include "edge/video_parts.h"

#include "proto/video.pb-c.h"

enum { PART_OVERHEAD = 160 };

size_t xw_video_parts_bytes(size_t size)
{
    size_t n = XW_MAX((size + XW_VIDEO_PART_MAX - 1) / XW_VIDEO_PART_MAX, (size_t)1);
    return size + n * PART_OVERHEAD;
}

int xw_video_parts(const struct xw_video_unit *unit,
                   int (*each)(void *user, const void *data, size_t size), void *user)
{
    uint8_t room[XW_VIDEO_PART_ROOM];
    size_t parts = XW_MAX((unit->size + XW_VIDEO_PART_MAX - 1) / XW_VIDEO_PART_MAX, (size_t)1);
    if (parts > XW_VIDEO_PARTS_MAX)
        return -EMSGSIZE;
    for (size_t i = 0; i < parts; i++) {
        size_t at = i * XW_VIDEO_PART_MAX;
        Xw__VideoPart part = XW__VIDEO_PART__INIT;
        part.attachment_id = (ProtobufCBinaryData){16, (uint8_t *)unit->attachment.b};
        part.run_id = (ProtobufCBinaryData){16, (uint8_t *)unit->run.b};
        part.frame = unit->frame;
        part.part = (uint32_t)i;
        part.parts = (uint32_t)parts;
        part.key = unit->key;
        part.capture_wall_us = unit->capture_wall_us;
        part.county_offset_us = unit->county_offset_us;
        part.county_offset_known = unit->county_offset_known;
        if (i == 0) {
            part.codec = (char *)unit->codec;
            part.width = unit->width;
            part.height = unit->height;
        }
        part.data.len = XW_MIN(unit->size - at, (size_t)XW_VIDEO_PART_MAX);
        part.data.data = (uint8_t *)unit->data + at;
        if (xw__video_part__get_packed_size(&part) > sizeof(room))
            return -EMSGSIZE;
        int r = each(user, room, xw__video_part__pack(&part, room));
        if (r < 0)
            return r;
    }
    return 0;
}

int xw_video_want_parse(const void *data, size_t size, struct xw_video_want *ret_want)
{
    enum { WANT_MAX = 256 };
    Xw__VideoWant *want = size <= WANT_MAX ? xw__video_want__unpack(NULL, size, data) : NULL;
    if (!want)
        return -EBADMSG;
    int r = xw_uuid_from_bytes(want->attachment_id.data, want->attachment_id.len,
                               &ret_want->attachment);
    ret_want->on = want->on;
    ret_want->key = want->key;
    ret_want->delay_ms = want->delay_ms;
    xw__video_want__free_unpacked(want, NULL);
    return r;
}
