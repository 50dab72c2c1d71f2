import { existsSync } from 'node:fs'

/** Debian's libfaketime, the one for programs of several threads. */
export const FAKETIME = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/faketime/libfaketimeMT.so.1`

/** Whether a process's clock can be set here. */
export const hasFaketime = existsSync(FAKETIME)
