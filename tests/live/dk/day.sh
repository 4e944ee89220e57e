# A beginner's first day, command by command. Each line that begins with "$" is given to `sh`, once
# with `docker` as the docker command and once as `examples/dk`, and both must say and do the same.
#
# $ME begins the name of all that the day makes, $L labels it, $BOX is an image in a registry.
# Behind "##" stands how it ends where that is not well, and what may differ, with the reason.

# Pulling, and listing images.
$ docker tag busybox $BOX
$ docker push $BOX
$ docker rmi $BOX
$ docker pull $BOX
$ docker pull $BOX
$ docker pull -q $BOX
$ docker images $BOX
$ docker images -q $BOX
$ docker images --no-trunc --format "{{.ID}} {{.Repository}} {{.Tag}}" $BOX
$ docker image ls $BOX
$ docker rmi $BOX

# Running.
$ docker run $L --name $ME-ls busybox ls -la
$ docker run $L --name $ME-three busybox sh -c 'echo out; echo err >&2; exit 3' ## exit 3
$ docker run $L --name $ME-none busybox no-such-program ## exit 127, stderr: the command's own words around the engine's
$ docker run $L --name $ME-denied busybox /etc ## exit 126, stderr: the command's own words around the engine's
$ docker run $L --name $ME-default busybox
$ docker run $L --rm busybox echo gone
$ docker run $L --rm -e COLOUR=blue -e SHADE -w /tmp -u 1000:1000 -h box busybox sh -c 'echo $COLOUR $SHADE; pwd; id -u; hostname'
$ echo piped | docker run $L --rm -i busybox cat
$ docker run $L -d --name $ME-web --init -p 127.0.0.1::80 --memory 64m --restart on-failure:3 -v $ME-data:/data busybox sh -c 'echo one; echo two; echo three; httpd -f'
$ docker run $L -d --name $ME-web busybox true ## exit 125, stderr: the command's own words around the engine's
$ docker run $L --name $ME-bad --no-such-flag busybox ## exit 125, stderr: clap has its own words for a flag that is none
$ docker create $L --name $ME-created --entrypoint echo busybox never started
$ docker wait $ME-ls $ME-three

# Listing.
$ docker ps -f label=dk.day=$ME
$ docker ps -a -f label=dk.day=$ME
$ docker ps -a -f label=dk.day=$ME -f status=exited -f exited=3
$ docker ps -aq -f label=dk.day=$ME
$ docker ps -aq --no-trunc -f name=$ME-web
$ docker ps -a --no-trunc -f name=$ME-three
$ docker ps -a -f label=dk.day=$ME --format '{{.Names}}: {{.Status}}'
$ docker ps -a -f label=dk.day=$ME --format 'table {{.Names}}\t{{.Image}}\t{{.Command}}'
$ docker container ls -a -f name=$ME-three
$ docker ps -n 1 -q | wc -l

# Two containers of one image: what one has, the other has not.
$ docker run $L --name $ME-a busybox touch /only-here
$ docker run $L --name $ME-b busybox ls /only-here ## exit 1
$ docker diff $ME-a
$ docker container diff $ME-b

# Starting again, by the beginning of the id.
$ docker start $(docker ps -aq -f name=$ME-three | cut -c1-10)
$ docker wait $ME-three
$ docker start -a $ME-three ## exit 3
$ docker logs $ME-three
$ docker start $ME-nobody ## exit 1, stderr: the command's own words around the engine's
$ docker container start $ME-web

# A second process in a running container, and none in one that does not run.
$ docker exec $ME-web ls /data
$ docker exec -e COLOUR=red -w /tmp -u 1000 $ME-web sh -c 'echo $COLOUR; pwd; id -u; echo err >&2; exit 7' ## exit 7
$ echo typed | docker exec -i $ME-web cat
$ echo left | (docker exec $ME-web true; cat)
$ docker exec -d $ME-web touch /data/from-exec
$ docker exec $ME-web no-such-program ## exit 126 or 127
$ docker exec $ME-ls ls ## exit 1, stderr: the state is seen here before the engine is asked
$ docker top $ME-web -o pid,args | sed 's/^[0-9]* */N /'
$ docker port $ME-web
$ docker port $ME-web 80
$ docker stats --no-stream --format '{{.Name}} {{.PIDs}}' $ME-web
$ docker logs $ME-web
$ docker logs --tail 2 $ME-web
$ docker logs -t -n 1 $ME-web
$ docker logs --since 1h $ME-web
$ docker update --memory 128m --memory-swap 256m $ME-web
$ docker inspect $ME-web
$ docker inspect -f '{{.State.Status}} {{json .Config.Cmd}} {{.HostConfig.Memory}}' $ME-web
$ docker inspect $ME-nobody ## exit 1, stderr: the words are the command's own
$ docker container inspect $ME-ls -f '{{.State.ExitCode}}'
$ docker inspect busybox
$ docker events --since 1h --until 0s --filter container=$(docker ps -aq -f name=$ME-three) --filter event=die

# The life of one.
$ docker pause $ME-web
$ docker ps -f name=$ME-web --format '{{.Status}}'
$ docker exec $ME-web true ## exit 1, stderr: the state is seen here before the engine is asked
$ docker unpause $ME-web
$ docker restart -t 0 $ME-web
$ docker kill -s HUP $ME-web
$ docker rename $ME-web $ME-site
$ docker ps -f name=$ME-site --format '{{.Names}}'

# Files, in and out.
$ echo hello > note; docker cp note $ME-site:/data/note ## stderr: newer commands say how much was copied
$ docker exec $ME-site cat /data/note
$ docker cp $ME-site:/data/note back; cat back ## stderr: newer commands say how much was copied
$ docker cp $ME-site:/data - | tar -t
$ tar -c note | docker cp - $ME-site:/tmp
$ docker exec $ME-site cat /tmp/note
$ docker cp $ME-site:/no/such/file . ## exit 1, stderr: the words are the command's own

# Stopping and removing.
$ docker rm $ME-site ## exit 1
$ docker stop -t 1 $ME-site
$ docker stop $ME-site
$ docker kill $ME-site ## exit 1, stderr: the state is seen here before the engine is asked
$ docker rm $ME-ls
$ docker rm $ME-ls ## exit 1, stderr: the command's own words around the engine's
$ docker rm -f $ME-site $ME-created
$ docker rm $(docker ps -a -q -f status=exited -f label=dk.day=$ME -f name=$ME-[ab])
$ docker container prune -f --filter label=dk.day=$ME
$ docker ps -aq -f label=dk.day=$ME

# A container that differs from its image, an image of it, and a run of that.
$ docker run $L -d -t --name $ME-figlet busybox
$ docker exec $ME-figlet figlet hello ## exit 126 or 127
$ docker cp figlet.deb $ME-figlet:/tmp/figlet.deb ## stderr: newer commands say how much was copied
$ docker exec $ME-figlet sh -c 'mkdir -p /var/lib/dpkg/info; touch /var/lib/dpkg/status'
$ docker exec $ME-figlet dpkg -i /tmp/figlet.deb
$ docker exec $ME-figlet figlet 'hello!'
$ docker container diff $ME-figlet | sort
$ docker container commit -m 'with figlet' -a somebody -c 'CMD ["figlet", "knots"]' $ME-figlet $ME-img:v1
$ docker image tag $ME-img:v1 $ME-img:latest
$ docker images $ME-img
$ docker container run $L --rm $ME-img figlet 'hello!'
$ docker run $L --rm $ME-img
$ docker history $ME-img
$ docker history -q $ME-img | wc -l
$ docker rmi busybox-$ME-none ## exit 1, stderr: the command's own words around the engine's
$ docker rmi $ME-img
$ docker rm -f $ME-figlet

# The same from a Dockerfile.
$ cat Dockerfile .dockerignore
$ docker build $L -t $ME-built --build-arg WHO=builders . ## stderr: newer commands recommend another builder
$ docker run $L --rm $ME-built
$ docker run $L --rm $ME-built ls /here
$ docker build -q $L -t $ME-built --build-arg WHO=builders . ## stderr: newer commands recommend another builder
$ docker build $L --force-rm -f Dockerfile.broken . ## exit 9, stderr: newer commands recommend another builder
$ docker image inspect -f '{{json .Config.Labels}}' $ME-built

# Networks, and a pair that talk by name; volumes that outlive containers.
$ docker network create $L --subnet 10.213.77.0/24 $ME-net
$ docker network ls -f label=dk.day=$ME
$ docker run $L -d --name $ME-server --init --network $ME-net --network-alias server busybox sh -c 'echo pages > /index.html; httpd -f -h /'
$ docker run $L --rm --network $ME-net busybox sh -c 'until wget -q -O - http://server/index.html; do sleep 0.1; done' ## stderr: how often it is tried
$ docker network disconnect $ME-net $ME-server
$ docker network connect --alias other $ME-net $ME-server
$ docker network inspect -f '{{.Name}} {{.Driver}}' $ME-net
$ docker network rm $ME-net ## exit 1, stderr: the command's own words around the engine's
$ docker volume create $L $ME-vol
$ docker volume ls -f label=dk.day=$ME
$ docker volume ls -q -f label=dk.day=$ME
$ docker run $L --rm -v $ME-vol:/v busybox sh -c 'echo kept > /v/file'
$ docker run $L --rm -v $ME-vol:/v:ro busybox cat /v/file
$ docker volume inspect $ME-vol
$ docker volume rm $ME-data $ME-nobody ## exit 1, stderr: the command's own words around the engine's

# Archives.
$ docker save -o image.tar $ME-img:v1; tar -tf image.tar | grep -c layer.tar
$ docker rmi $ME-img:v1
$ docker load -i image.tar
$ docker export $ME-server | tar -t | grep index.html
$ docker export $ME-server | docker import -c 'CMD ["cat", "/index.html"]' - $ME-img:flat
$ docker run $L --rm $ME-img:flat

# The engine itself.
$ docker version -f '{{.Server.Version}}'
$ docker info -f '{{.ServerVersion}} {{.Driver}}'
$ docker system df | cut -d' ' -f1
