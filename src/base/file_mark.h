/* SPDX-License-Identifier: MIT */
/*
 * Whether a file or folder may have changed, without reading it: by device, inode, size, mode and times of change.
 * Costs one stat() a file.
 */
#ifndef AMQP_WOLFSSL_FILE_MARK_H
#define AMQP_WOLFSSL_FILE_MARK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

struct file_mark {
  uint64_t value;
  bool settled; /**< the same value means the same content: nothing was changed just before the mark was taken */
};

/** \param [in] now the clock, which must be read before the file is */
struct file_mark file_mark_of_status(const struct stat *status, time_t now);
/**
 * Of \a name in an open folder (AT_FDCWD: as a path). What is missing has a mark too, and so has what can't be
 * examined, unsettled.
 */
struct file_mark file_mark_at(int folder, const char *name, time_t now);
/** Of the folder and of all that is directly in it. */
struct file_mark file_mark_of_folder(const char *path, time_t now);

/** Whether a mark taken later shows that nothing has changed since \a earlier. */
bool file_mark_holds(const struct file_mark *earlier, const struct file_mark *later);

#endif
