#!/bin/sh
# Makes the streams of this folder anew, with ffmpeg 5.1.9 and its libx264. Tests need neither: the
# streams are committed, and so is what ffmpeg decodes those to that can be sent and filmed.
set -eu
cd "$(dirname "$0")"
film='testsrc2=size=64x48:rate=25'
x264='-frames:v 10 -an -c:v libx264 -g 5 -fflags +bitexact -flags:v +bitexact -threads 1 -f h264'
make() { ffmpeg -hide_banner -loglevel error -y -f lavfi -i "$@"; }

# What can be sent and filmed.
for profile in main high; do
    make $film $x264 -profile:v $profile -bf 0 -pix_fmt yuv420p $profile.h264
    make $film $x264 -profile:v $profile -bf 0 -pix_fmt yuv420p -x264-params slices=4 $profile-4-slices.h264
done
make $film $x264 -profile:v main -bf 0 -pix_fmt yuv420p -x264-params weightp=0 unweighted.h264
make $film $x264 -profile:v high -bf 0 -pix_fmt yuv420p -b:v 300k -maxrate 300k -bufsize 300k \
    -x264-params nal-hrd=cbr:filler=1 filler.h264
make testsrc2=size=72x42:rate=25 $x264 -profile:v high -bf 0 -pix_fmt yuv420p cropped.h264

# What can not, each for another reason.
make $film $x264 -profile:v main -bf 2 -pix_fmt yuv420p b-frames.h264
make testsrc2=size=64x64:rate=25 $x264 -profile:v high -bf 0 -flags +ildct+ilme -pix_fmt yuv420p interlaced.h264
make $film $x264 -profile:v high10 -bf 0 -pix_fmt yuv420p10le ten-bit.h264
make $film $x264 -profile:v high422 -bf 0 -pix_fmt yuv422p 422.h264

for stream in main main-4-slices high high-4-slices unweighted filler cropped; do
    ffmpeg -loglevel error -i $stream.h264 -f rawvideo -pix_fmt yuv420p - | sha256sum | sed "s/ .*/ $stream/"
done > decoded.txt
