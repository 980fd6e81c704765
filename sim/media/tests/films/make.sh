#!/bin/sh
# Makes the films of this folder anew, with ffmpeg 5.1.9 and its libx264, libx265, libaom and libvpx.
# Tests need none of it: the films are committed, and so is what ffmpeg decodes them to.
set -eu
cd "$(dirname "$0")"
film='testsrc2=size=64x48:rate=25'
sound='sine=frequency=440:sample_rate=8000'
make() { ffmpeg -hide_banner -loglevel error -y -fflags +bitexact "$@"; }
exact='-map_metadata -1 -fflags +bitexact -flags:v +bitexact -threads 1'
x264="-c:v libx264 -preset veryfast -bf 0 -pix_fmt yuv420p $exact"
base="$x264 -profile:v baseline"

# What can be filmed.
make -f lavfi -i $film -frames:v 10 $base plain.mp4
make -f lavfi -i $film -frames:v 10 $base -g 5 -movflags frag_keyframe+empty_moov+default_base_moof fragmented.mp4
make -f lavfi -i $film -f lavfi -i $sound -t 0.4 $base -g 5 -c:a aac -b:a 8k -flags:a +bitexact -movflags frag_keyframe+delay_moov sound.mp4
make -f lavfi -i $film -frames:v 10 $base -g 5 -movflags frag_keyframe half-fragmented.mp4
make -f lavfi -i $film -frames:v 10 $x264 -preset veryslow -bf 0 -profile:v high high.mp4
make -f lavfi -i testsrc2=size=64x48:rate=30000/1001 -frames:v 10 $x264 -profile:v main -video_track_timescale 1000 thirty.mp4
make -f lavfi -i testsrc2=size=64x48:rate=30000/1001 -frames:v 10 $base ntsc.mp4
make -f lavfi -i testsrc2=size=32x32:rate=25 -frames:v 4 -pix_fmt yuv420p $exact plain.y4m

# What cannot.
make -f lavfi -i $film -frames:v 3 $x264 -pix_fmt yuv420p10le ten-bit.mp4
make -f lavfi -i $film -frames:v 3 $x264 -pix_fmt yuv422p 422.mp4
make -f lavfi -i $film -frames:v 3 $x264 -pix_fmt yuv444p 444.mp4
make -f lavfi -i $film -frames:v 3 $x264 -flags:v +bitexact+ildct+ilme interlaced.mp4
make -f lavfi -i $film -frames:v 4 -vf "setpts='(N+gt(N,2))/25/TB'" -vsync passthrough $base varying.mp4
make -f lavfi -i $film -frames:v 6 $x264 -bf 2 b-frames.mp4
make -f lavfi -i $film -frames:v 3 -c:v libx265 -x265-params log-level=none -pix_fmt yuv420p $exact hevc.mp4
make -f lavfi -i $film -frames:v 3 -c:v libaom-av1 -cpu-used 8 -pix_fmt yuv420p $exact av1.mp4
make -f lavfi -i $film -frames:v 3 -c:v libvpx-vp9 -pix_fmt yuv420p $exact vp9.mp4
make -f lavfi -i $sound -t 0.2 -c:a aac -b:a 8k $exact -flags:a +bitexact sound-only.mp4
make -f lavfi -i color=size=4096x2304:rate=25 -frames:v 1 $base large.mp4
make -f lavfi -i $film -frames:v 3 $x264 -qp 0 lossless.mp4
make -ss 0.12 -i plain.mp4 -c copy $exact edited.mp4
make -i plain.mp4 -c copy -metadata:s:v rotate=90 -fflags +bitexact turned.mp4

# What ffmpeg makes of those that can be filmed.
for film in plain.mp4 fragmented.mp4 half-fragmented.mp4 sound.mp4 high.mp4 thirty.mp4 ntsc.mp4 plain.y4m; do
    printf '%s %s\n' "$(ffmpeg -loglevel error -i $film -an -vsync passthrough -f rawvideo -pix_fmt yuv420p - | sha256sum | cut -c1-64)" $film
done > decoded.txt
