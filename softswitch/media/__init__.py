"""The media plane: RTP relayed, played, listened to and recorded by numba loops in a process of their own.

`control.MediaPlane` is the face that the switch uses; everything else here runs on the other side of one shared block.

    signalling process                     media process
    control ──commands──► ring ──────────► relay   (no GIL; sockets, bridges, clips, DTMF)
       ▲                  ring ──────────► worker  (no GIL; AMD, timelines) ◄── frame rings ── relay
       └────events─────── rings ◄───────── relay, worker, recorder (files)
"""
