"""Talking with the mascot on the web page: one WebSocket (RFC 6455) a visitor, at ``/voice``.

Control is JSON in text frames, one object with a ``type`` each; sound is binary. The page opens
the socket when somebody first presses the microphone, never before. It is refused with 403 unless
the page is of the same origin and the session cookie is there; the first message repeats the
token of our forms.

The page says:

==========  ===========================  ==========================================================
type        with                         meaning
==========  ===========================  ==========================================================
hello       csrf, plays, aloud           first of all: which containers it plays, whether to speak
start       media                        a recording begins; its file follows in binary messages
end                                      the recording is whole: answer it
cancel                                   forget the recording
open                                     hands-free: PCM follows (mono, 16 bit little endian,
                                         16 kHz, any length up to `MAX_MESSAGE`)
close                                    the microphone is off
ask         text, instead                a heard question, corrected in writing; `instead` is the
                                         action of its answer that takes the misheard one back
stop                                     silence, now
aloud       on                           whether answers are spoken from now on
reading     question, on                 the device's own voice begins or ends this answer; an open
                                         microphone sends nothing meanwhile
==========  ===========================  ==========================================================

The server says:

==========  ===========================  ==========================================================
ready       seconds, bytes               the limits of one recording
cut         cut                          answer to ``start``, ``ask``, ``stop`` and ``aloud`` off:
                                         nothing of question `cut` or earlier is said any more
listening                                hands-free: the microphone is open
began       cut                          hands-free: somebody speaks. As ``cut``, at once
ended                                    hands-free: the turn is over and is being recognised
nothing     question                     hands-free: noise, or the mascot itself; go on listening.
                                         Of question 0: the recording had been refused
asked       question                     the number of an ``ask``
waiting     question, html               others are being heard first
heard       question, text, html         what was understood, to be shown and corrected
words       question, piece              the written answer, as it comes
answer      question, turn, html,        the whole answer with its sources. `aloud` is ``voice``
            instead, aloud, language,    (sound follows), ``browser`` (read `text` with a voice of
            text                         the device, if it has one for `language`) or ``none``
piece       question, index, text,       a sentence; its sound is the binary message with the same
            seconds, media               numbers
spoken      question, pieces,            nothing more of this answer will be said. With `text`: the
            language, text               voices, loaded by now, do not speak `language`; as
                                         ``browser``
fault       question, html, over         a sentence and a next step (question 0: of none); `over`:
                                         hands-free has ended
rest        html                         hands-free ended after `Patience.silence` without speech
==========  ===========================  ==========================================================

Questions are numbered from 1 in each connection. A binary message to the page begins with the
number of the question and that of the sentence, each 4 bytes big endian, then one whole file. What
somebody interrupts is closed on both sides: the server stops synthesising, and the page throws away
whatever still arrives with an old number.

Close codes of our own: 4001 the visitor talks on another page, 4002 nobody spoke for a while,
4003 too many at once, 1008 the page does not keep to the protocol.

Sound is kept in memory until it has been heard, is never written down and never logged.
"""

from bots.web.voice.door import VoiceDoor

__all__ = ["VoiceDoor"]
